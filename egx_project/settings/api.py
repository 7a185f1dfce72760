"""The REST API."""

from __future__ import annotations

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["egx_project.access.SocketAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["egx_project.access.OverTheSocket"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "egx_project.problems.handler",
    "UNAUTHENTICATED_USER": None,
}
