"""Channels and what they offer."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from egx_project.rest.bodies import ApiModel, parsed
from egx_project.rest.listing import Listing
from updates import ledger, quarantine
from updates.api.shown import ChannelOut, ChannelsOut, ReleaseOut, ReleasesOut, channel_out, release_out
from updates.models import ChannelCheck, Release
from updates.services import checks, releases


class ReleaseFilters(FilterSet):
    channel = django_filters.CharFilter()

    class Meta:
        model = Release
        fields: ClassVar = ["channel", "version"]


class Releases(Listing[Release]):
    """In the order of channel and version, newest first."""

    queryset = Release.objects.none()
    filterset_class = ReleaseFilters

    def get_queryset(self) -> QuerySet[Release]:
        return releases.ordered()

    def show(self, row: Release) -> ReleaseOut:
        return release_out(row, releases.quarantine_of(row))

    @extend_schema(responses=ReleasesOut)
    def get(self, _request: Request) -> Response:
        return self.listed()


class Channels(APIView):
    @extend_schema(responses=ChannelsOut)
    def get(self, _request: Request) -> Response:
        """When each was last asked, and how that went."""
        return Response(ChannelsOut(items=[channel_out(row) for row in ChannelCheck.objects.all()]).as_json())


class Check(APIView):
    @extend_schema(request=None, responses=ChannelOut)
    def post(self, _request: Request, channel: str) -> Response:
        """Ask the channel now."""
        return Response(channel_out(checks.check(channel)).as_json())


class AcceptBody(ApiModel):
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """The one at which the tag points now."""


class Accepted(APIView):
    @extend_schema(request=AcceptBody, responses={204: None})
    def put(self, request: Request, channel: str, version: str) -> Response:
        """Its tag has moved: let the version be what it points at now."""
        body = parsed(AcceptBody, request)
        ledger.accept(channel=channel, version=version, digest=body.digest, by=str(request.user))
        return Response(status=204)


class QuarantineBody(ApiModel):
    reason: str


class Quarantined(APIView):
    @extend_schema(request=QuarantineBody, responses={204: None})
    def put(self, request: Request, channel: str, version: str) -> Response:
        """Let nothing put the version to use."""
        body = parsed(QuarantineBody, request)
        releases.quarantine(channel=channel, version=version, reason=body.reason, by=str(request.user))
        return Response(status=204)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, channel: str, version: str) -> Response:
        """Lift it: the version may be used again."""
        quarantine.lift(channel=channel, version=version, by=str(request.user))
        return Response(status=204)
