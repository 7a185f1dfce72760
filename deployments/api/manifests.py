"""Applying and deleting what manifests name."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import applying
from deployments.api.shown import AppliedOut, ChangedOut, changed, planned
from egx_project.rest.answers import Made, answer_once
from egx_project.rest.bodies import ApiModel, parsed
from gateways.manifests.reader import Manifest, Source, read
from gateways.manifests.services_option import parse_service_option
from gateways.manifests.writer import write
from gateways.selectors import find_target
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
    answers_once = True

    @extend_schema(request=ApplyBody, responses={200: AppliedOut, 202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Make what manifests say what is desired: all of it or, with a problem in any of it, nothing."""
        body = parsed(ApplyBody, request)

        def make() -> Made:
            outcome = applying.apply_manifest(
                body.manifest(),
                target=find_target(body.target or settings.EGX_LOCAL_TARGET),
                by=str(request.user),
                dry_run=body.dry_run,
            )
            return planned(outcome) if body.dry_run else changed(outcome)

        return answer_once(request, make)


class Delete(APIView):
    answers_once = True

    @extend_schema(request=DeleteBody, responses={200: AppliedOut, 202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Delete the routes and backends that are named; what is not there is left out."""
        body = parsed(DeleteBody, request)

        def make() -> Made:
            outcome = applying.delete_objects(body.refs(), by=str(request.user), dry_run=body.dry_run)
            return planned(outcome) if body.dry_run else changed(outcome)

        return answer_once(request, make)
