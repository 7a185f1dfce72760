"""The API's own description, and a page to read it and to try it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.views import SpectacularSwaggerSplitView

from egx_project.middleware import with_images_in_scripts

EVENTS: dict[str, Any] = {
    "get": {
        "operationId": "events_list",
        "description": "Events after `since`, oldest first, or the newest. Waits up to `wait` seconds for one.",
        "tags": ["events"],
        "security": [{"token": []}, {"session": []}],
        "parameters": [
            {"in": "query", "name": name, "schema": schema, "description": description}
            for name, schema, description in (
                ("since", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}, "The number of the last one seen."),
                ("operation", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}, "Only this operation's."),
                ("wait", {"type": "integer", "minimum": 0, "maximum": 30}, "Seconds."),
                ("view", {"type": "string"}, "A page of the dashboard: what changed of it comes too."),
            )
        ],
        "responses": {
            "200": {
                "description": "",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Events"}}},
            },
            "default": {
                "description": "It went wrong: an RFC 9457 problem.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
            },
        },
    }
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["items", "last", "reset"],
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["number", "at", "kind", "subject", "operation", "data"],
                "properties": {
                    "number": {"type": "integer"},
                    "at": {"type": "string", "format": "date-time"},
                    "kind": {"type": "string"},
                    "subject": {"type": "string"},
                    "operation": {"type": ["integer", "null"]},
                    "data": {"type": "object"},
                },
            },
        },
        "last": {"type": "integer", "description": "Ask for what is after it next time."},
        "reset": {"type": "boolean", "description": "Events are missing: read everything anew."},
        "fragments": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def with_events(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Of drf-spectacular, which sees only DRF's views: events are read by an async one."""
    result["paths"]["/api/v1/events"] = EVENTS
    result["paths"] = dict(sorted(result["paths"].items()))
    result["components"]["schemas"]["Events"] = SCHEMA
    return result


class Docs(SpectacularSwaggerSplitView):
    template_name = "rest/docs.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return with_images_in_scripts(super().dispatch(request, *args, **kwargs))
