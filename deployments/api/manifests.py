"""Applying and deleting what manifests name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import selectors, services
from deployments.api.answers import answer_once
from deployments.api.gateways import plan_json
from deployments.services import Outcome
from egx_project.bodies import ApiModel, parsed
from egx_project.lib.errors import NotFoundError
from egx_project.problems import problem_json
from gateways.manifests.reader import Manifest, Source, read
from gateways.manifests.services_option import parse_service_option
from gateways.manifests.writer import write
from gateways.models import Target
from gateways.spec.base import ObjectRef


class SourceBody(ApiModel):
    name: str
    text: str


class ApplyBody(ApiModel):
    sources: list[SourceBody]
    services: list[str] = []
    target: str | None = None
    dry_run: bool = False

    def manifest(self) -> Manifest:
        """What is to be applied; addresses of services given beside the files count as written in one more file."""
        sources = [Source(name=source.name, text=source.text) for source in self.sources]
        if self.services:
            text = write([parse_service_option(option) for option in self.services])
            sources.append(Source(name="--service", text=text))
        return read(sources)


class ObjectBody(ApiModel):
    kind: str
    namespace: str = "default"
    name: str


class DeleteBody(ApiModel):
    sources: list[SourceBody] = []
    objects: list[ObjectBody] = []
    dry_run: bool = False

    def refs(self) -> list[ObjectRef]:
        written = read([Source(name=source.name, text=source.text) for source in self.sources])
        named = [ObjectRef(kind=one.kind, namespace=one.namespace, name=one.name) for one in self.objects]
        return [*(item.ref for item in written.objects), *named]


class Apply(APIView):
    def post(self, request: Request) -> Response:
        body = parsed(ApplyBody, request)

        def make() -> tuple[int, dict[str, Any]]:
            outcome = services.apply_manifest(
                body.manifest(), target=_target(body.target), by=str(request.user), dry_run=body.dry_run
            )
            return _answer(outcome, dry_run=body.dry_run)

        return answer_once(request, make)


class Delete(APIView):
    def post(self, request: Request) -> Response:
        body = parsed(DeleteBody, request)

        def make() -> tuple[int, dict[str, Any]]:
            outcome = services.delete_objects(body.refs(), by=str(request.user), dry_run=body.dry_run)
            return _answer(outcome, dry_run=body.dry_run)

        return answer_once(request, make)


def _target(name: str | None) -> Target:
    found = Target.objects.filter(name=name or settings.EGX_LOCAL_TARGET).first()
    if found is None:
        raise NotFoundError(f"there is no target {name}", hint="`egx get targets` lists them")
    return found


def _answer(outcome: Outcome, *, dry_run: bool) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = {
        "changes": [
            {"action": c.action, "kind": c.ref.kind, "namespace": c.ref.namespace, "name": c.ref.name}
            for c in outcome.changes
        ],
        "warnings": [problem_json(problem) for problem in outcome.warnings],
    }
    if dry_run:
        return 200, body | {"plans": [plan_json(name, plan) for name, plan in outcome.plans.items()]}
    return 202, body | {"operations": [selectors.operation_json(operation) for operation in outcome.operations]}
