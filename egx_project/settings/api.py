"""The REST API."""

from __future__ import annotations

from egx_project.settings.core import env
from egx_project.version import version

EGX_SUMMARY_TOKEN = env.str("EGX_SUMMARY_TOKEN", default="")
"""What `GET /api/v1/gateway` asks for as a Bearer token; empty: it is open to this host."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one's challenge is what a stranger gets: 401 and `Bearer`.
        "egx_project.access.identity.TokenAuthentication",
        "egx_project.access.identity.SocketAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["egx_project.access.permissions.Permitted"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["egx_project.rest.parsers.BoundedJSONParser"],
    "EXCEPTION_HANDLER": "egx_project.problems.handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,  # what OPTIONS would tell is in the description
    "DEFAULT_SCHEMA_CLASS": "egx_project.rest.schema.Schema",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "EGX",
    "DESCRIPTION": "Gateways on this machine, in Docker and in Kubernetes, and every change of them safe.",
    "VERSION": version(),
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["egx_project.access.permissions.Permitted"],
    "SERVE_AUTHENTICATION": None,
    # Over the Unix socket nobody is asked.
    "AUTHENTICATION_WHITELIST": [
        "egx_project.access.identity.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "validatorUrl": None, "docExpansion": "list"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "monitoring.api.description.with_events",
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
