"""Celery: wake-ups only. The rows hold the work, so the broker may lose messages."""

from __future__ import annotations

from kombu import Queue

from egx_project.lib.queues import COMMON, queue_of
from egx_project.settings.core import env
from egx_project.settings.engines import EGX_NODE

REDIS_URL = env.str("REDIS_URL", default="")
"""Empty: the embedded worker, with messages in memory."""

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # Longer than the longest step, or Redis would hand a running task out again.
    {"visibility_timeout": 3600, "socket_connect_timeout": 2, "socket_keepalive": True}
    if REDIS_URL
    else {"polling_interval": 0.2}
)
# A request that changes something does not wait for a broker that is away: the reaper finds the operation.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_TASK_DEFAULT_QUEUE = COMMON
CELERY_TASK_QUEUES = [Queue(COMMON), Queue(queue_of(EGX_NODE))]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "reap": {"task": "deployments.reap", "schedule": 5.0 if REDIS_URL else 15.0},
    "check-channels": {"task": "updates.check", "schedule": 60.0},
    "prune-events": {"task": "events.prune", "schedule": 3600.0},
    "prune-answers": {"task": "rest.prune", "schedule": 3600.0},
}
if REDIS_URL:  # `egx up` looks after its own node without a tick
    CELERY_BEAT_SCHEDULE["tend"] = {"task": "deployments.tend_all", "schedule": 5.0}
    CELERY_BEAT_SCHEDULE["watch"] = {"task": "updates.watch_all", "schedule": 2.0}
