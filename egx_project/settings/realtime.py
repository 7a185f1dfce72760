"""Events on their way to browsers."""

from __future__ import annotations

from egx_project.settings.core import env
from egx_project.settings.work import REDIS_URL

EGX_MOST_SOCKETS = env.int("EGX_MOST_SOCKETS", default=200)
"""WebSockets that one process serves at once; further browsers poll."""

EGX_MOST_CONNECTIONS = env.int("EGX_MOST_CONNECTIONS", default=800)
"""Connections that `egx up` takes at once; further ones are answered 503."""

# Only wake-ups travel between processes: one process alone needs no layer, and losing Redis costs a poll's delay.
CHANNEL_LAYERS = (
    {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_connect_timeout": 2}], "prefix": "egx"},
        }
    }
    if REDIS_URL
    else {}
)
