"""How drf-spectacular describes this API: pydantic's bodies, pages, problems."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from pydantic.json_schema import model_json_schema

from egx_project.problems import CONTENT_TYPE, ProblemOut
from egx_project.rest.listing import Listing

LIMIT = OpenApiParameter(
    "limit", OpenApiTypes.INT, description="At most so many items; 100 if not given, at most 1000."
)
OFFSET = OpenApiParameter("offset", OpenApiTypes.INT, description="After so many items.")
KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Names the request, for a day: sent again, it gets its first answer again, and nothing is done twice.",
)


class Bodies(PydanticExtension):  # registers itself by being defined
    """What a request may leave out is not required of it, while answers always have it."""

    priority = 10

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:  # noqa: ANN401
        mode = "validation" if direction == "request" else "serialization"
        schema = model_json_schema(self.target, ref_template="#/components/schemas/{model}", mode=mode)  # type: ignore[arg-type]
        for name, part in schema.pop("$defs", {}).items():
            component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=part)
            auto_schema.registry.register_on_missing(component)
        return schema


class Schema(AutoSchema):
    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        if self.method == "GET" and isinstance(self.view, Listing):
            found += [LIMIT, OFFSET]
        if self.method in {"POST", "PUT", "DELETE"} and getattr(self.view, "answers_once", False):
            found.append(KEY)
        return found

    def get_operation_id(self) -> str:
        found = super().get_operation_id()
        return (
            found.removesuffix("_retrieve") + "_list"
            if isinstance(self.view, Listing) and self.method == "GET"
            else found
        )

    def get_filter_backends(self) -> list[Any]:
        """All of a list's, though its serializer is none of DRF's."""
        return list(self.view.filter_backends) if isinstance(self.view, Listing) and self.method == "GET" else []

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:  # noqa: ANN401
        bodies = super()._get_response_bodies(direction)
        problem = self._get_response_for_code(ProblemOut, "default", [CONTENT_TYPE], direction)
        return bodies | {"default": problem | {"description": "It went wrong: an RFC 9457 problem."}}


class Token(OpenApiAuthenticationExtension):
    target_class = "egx_project.access.identity.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ANN401, ARG002
        return {"type": "http", "scheme": "bearer", "description": "`egx token create NAME` makes one."}


class Session(OpenApiAuthenticationExtension):
    """Each instance names its cookie itself: the description is the same for all."""

    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ANN401, ARG002
        return {"type": "apiKey", "in": "cookie", "name": "egx_session_ID", "description": "A logged-in browser."}
