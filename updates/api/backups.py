"""Backups: made, listed, downloaded, taken in, restored."""

from __future__ import annotations

import shutil
import tempfile
from typing import IO, Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponseBase
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.parameters import NAMESPACE
from deployments.api.shown import ChangedOut, changed
from deployments.applying import Outcome
from egx_project.access.roles import Action, may
from egx_project.lib.errors import NOT_ALLOWED, BadInputError, ForbiddenError
from egx_project.rest.answers import Made, answer_once
from egx_project.rest.bodies import ApiModel, parsed
from egx_project.rest.listing import Listing
from updates import backups as archives
from updates.api.changes import gateway_of
from updates.api.shown import BackupOut, BackupsOut, backup_out
from updates.models import Backup
from updates.services import backups, changes


class BackupBody(ApiModel):
    reason: str = ""


class BackUp(APIView):
    answers_once = True

    @extend_schema(parameters=[NAMESPACE], request=BackupBody, responses={201: BackupOut})
    def post(self, request: Request, name: str) -> Response:
        """Put away what is desired of the gateway, with the engine that serves it."""
        body, gateway = parsed(BackupBody, request), gateway_of(request, name)

        def make() -> Made:
            row = backups.back_up(gateway=gateway, by=str(request.user), reason=body.reason)
            return 201, backup_out(row).as_json()

        return answer_once(request, make)


class BackupFilters(FilterSet):
    gateway = django_filters.CharFilter(field_name="gateway_name")

    class Meta:
        model = Backup
        fields: ClassVar = ["kind", "state"]


class Backups(Listing[Backup]):
    """Newest first."""

    filterset_class = BackupFilters
    answers_once = True
    needs: ClassVar = {"POST": Action.ADMINISTER}

    def get_queryset(self) -> QuerySet[Backup]:
        return Backup.objects.all()

    def show(self, row: Backup) -> BackupOut:
        return backup_out(row)

    @extend_schema(responses=BackupsOut)
    def get(self, _request: Request) -> Response:
        return self.listed()

    @extend_schema(request=BackupBody, responses={201: BackupOut}, filters=False)
    def post(self, request: Request) -> Response:
        """Put away all that EGX knows: its database and, where a passphrase seals it, its key. For admins."""
        body = parsed(BackupBody, request)

        def make() -> Made:
            return 201, backup_out(backups.back_up_instance(by=str(request.user), reason=body.reason)).as_json()

        return answer_once(request, make)


def _require_admin(request: Request, kind: str) -> None:
    if kind == "instance" and not may(request.user, Action.ADMINISTER):
        raise ForbiddenError(NOT_ALLOWED)


class OneBackup(APIView):
    @extend_schema(responses=BackupOut)
    def get(self, _request: Request, key: str) -> Response:
        return Response(backup_out(archives.find(key)).as_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key: str) -> Response:
        """Remove it. The last good one of a gateway, or of the instance, stays; those of the instance are admins'."""
        _require_admin(request, archives.find(key).kind)
        backups.remove(key=key, by=str(request.user))
        return Response(status=204)


class Verify(APIView):
    @extend_schema(request=None, responses=BackupOut)
    def post(self, _request: Request, key: str) -> Response:
        """Compare its files with its manifest."""
        archives.find(key)
        backups.verify(key)
        return Response(backup_out(archives.find(key)).as_json())


class Download(APIView):
    @extend_schema(responses={(200, "application/gzip"): OpenApiTypes.BINARY})
    def get(self, request: Request, key: str) -> HttpResponseBase:
        """As one packed file, which `upload` takes. That of the instance has everybody's data: it is for admins."""
        _require_admin(request, archives.find(key).kind)
        packed = tempfile.TemporaryFile()  # noqa: SIM115  closed with the answer
        backups.download(key, packed)
        packed.seek(0)
        return FileResponse(packed, as_attachment=True, filename=f"{key}.tar.gz", content_type="application/gzip")


class PackedParser(BaseParser):
    """The body as it comes, in a file: it may be large."""

    media_type = "application/gzip"

    def parse(self, stream: IO[bytes], *arguments: Any, **named: Any) -> dict[str, Any]:  # noqa: ARG002
        kept = tempfile.TemporaryFile()  # noqa: SIM115  closed by the view
        shutil.copyfileobj(stream, kept)
        kept.seek(0)
        return {"packed": kept}


class Upload(APIView):
    parser_classes = (PackedParser,)

    @extend_schema(request={"application/gzip": OpenApiTypes.BINARY}, responses={201: BackupOut})
    def post(self, request: Request) -> Response:
        """Take a packed backup in: it is refused unless every byte is as its manifest says.

        One of the whole instance counts when it is decided which may go, so it is for admins.
        """
        if not isinstance(request.data, dict) or "packed" not in request.data:
            raise BadInputError("there is no packed backup in the body", hint="send it as application/gzip")
        with request.data["packed"] as packed:
            row = backups.upload(packed, condition=lambda manifest: _require_admin(request, manifest.kind))
        return Response(backup_out(row).as_json(), status=201)


class Restore(APIView):
    answers_once = True

    @extend_schema(request=None, responses={202: ChangedOut})
    def post(self, request: Request, key: str) -> Response:
        """Bring its gateway back to what it was, or make it anew where it is gone."""

        def make() -> Made:
            return changed(Outcome(operations=[changes.request_restore(key=key, by=str(request.user))]))

        return answer_once(request, make)
