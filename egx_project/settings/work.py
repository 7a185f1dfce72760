"""Celery: wake-ups only. The rows hold the work, so the broker may lose messages."""

from __future__ import annotations

from egx_project.settings.core import env

REDIS_URL = env.str("REDIS_URL", default="")
"""Empty: the embedded worker, with messages in memory."""

CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # Longer than the longest step, or Redis would hand a running task out again.
    {"visibility_timeout": 3600} if REDIS_URL else {"polling_interval": 0.2}
)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {
    "reap": {"task": "deployments.reap", "schedule": 15.0},
    "prune-events": {"task": "events.prune", "schedule": 3600.0},
    "prune-answers": {"task": "rest.prune", "schedule": 3600.0},
}
