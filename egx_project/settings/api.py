"""The REST API."""

from __future__ import annotations

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one's challenge is what a stranger gets: 401 and `Bearer`.
        "egx_project.access.identity.TokenAuthentication",
        "egx_project.access.identity.SocketAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["egx_project.access.permissions.Permitted"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "egx_project.problems.handler",
    "UNAUTHENTICATED_USER": None,
}
