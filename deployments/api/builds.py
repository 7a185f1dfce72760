"""Builds of images: asked for here, and watched as the operations that they are."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import builds, selectors
from deployments.api.shown import OPERATIONS, ChangedOut, changed
from deployments.applying import Outcome
from deployments.builds import Wish
from deployments.drivers.sources import Source
from deployments.models import Build, OperationState
from egx_project.access.roles import SocketUser
from egx_project.rest.answers import Made, answer_once
from egx_project.rest.bodies import ApiModel, asked, parsed
from egx_project.rest.listing import Listed, Listing

BUILDS = "/api/v1/builds"
FARTHEST = 10**12


class BuildBody(ApiModel):
    name: str = Field(max_length=300)
    """As people write it: `registry.example.org/team/app:1.0`; `latest` where it has no tag."""
    source: str = Field(max_length=2000)
    """A folder of the host that builds, or a Git URL: `https://…[#REF[:FOLDER]]`."""
    file: str = Field(default="Dockerfile", max_length=500)
    platforms: list[str] = []
    build_args: dict[str, str] = {}
    version: str = Field(default="", max_length=128)
    push: bool = False
    max_size: int | None = Field(default=None, ge=0, le=FARTHEST)
    """Bytes that the image may have; 0 for any."""
    required_labels: list[str] = []
    """`NAME`, or `NAME=VALUE`."""
    target: str = Field(default="", max_length=63)

    def wish(self) -> Wish:
        return Wish(
            name=self.name,
            source=self.source,
            file=self.file,
            platforms=self.platforms,
            arguments=self.build_args,
            version=self.version,
            push=self.push,
            largest=self.max_size,
            labels=self.required_labels,
            target=self.target,
        )


class BuildOut(ApiModel):
    id: int
    """The operation's."""
    url: str
    operation: str
    log: str
    name: str
    source: str
    commit: str
    version: str
    target: str
    state: OperationState
    platforms: list[str]
    method: str
    """`buildkit` or `classic`, once it is known."""
    image: str
    size: int | None
    pushed: bool
    digest: str
    """In the registry."""
    error: str
    hint: str
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class BuildsOut(Listed[BuildOut]):
    pass


class LogAsked(ApiModel):
    offset: int = Field(default=0, ge=0, le=FARTHEST)


class LogOut(ApiModel):
    offset: int
    """Where the text begins; later than what was asked for, where that is kept no longer."""
    next: int
    """What to ask for next."""
    text: str
    ended: bool
    """Nothing more will come after this text."""


class BuildFilters(FilterSet):
    target = django_filters.CharFilter(field_name="target__name")

    class Meta:
        model = Build
        fields: ClassVar = ["state"]


class Builds(Listing[Build]):
    """Newest first."""

    filterset_class = BuildFilters
    answers_once = True

    def get_queryset(self) -> QuerySet[Build]:
        return selectors.builds()

    def show(self, row: Build) -> BuildOut:
        return build_out(row)

    @extend_schema(responses=BuildsOut)
    def get(self, _request: Request) -> Response:
        return self.listed()

    @extend_schema(request=BuildBody, responses={202: ChangedOut})
    def post(self, request: Request) -> Response:
        """Build an image from a folder or a Git repository, look at it, and name it; with `push`, publish it."""
        body = parsed(BuildBody, request)

        def make() -> Made:
            anywhere = isinstance(request.user, SocketUser)
            operation = builds.request_build(wish=body.wish(), by=str(request.user), anywhere=anywhere)
            return changed(Outcome(operations=[operation]))

        return answer_once(request, make)


class OneBuild(APIView):
    @extend_schema(responses=BuildOut)
    def get(self, _request: Request, pk: int) -> Response:
        return Response(build_out(builds.find_build(pk)).as_json())


class BuildLog(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("offset", OpenApiTypes.INT64, description="What was `next`; 0 to begin with.")],
        responses=LogOut,
    )
    def get(self, request: Request, pk: int) -> Response:
        """What it has said since; to be asked for again until it has `ended`."""
        build = builds.find_build(pk)
        piece = builds.read_log(build, offset=asked(LogAsked, request).offset)
        ended = not build.is_active and not piece.text
        return Response(LogOut(offset=piece.offset, next=piece.next, text=piece.text, ended=ended).as_json())


def build_out(build: Build) -> BuildOut:
    facts, options = builds.facts_of(build), build.options
    return BuildOut.model_construct(
        id=build.pk,
        url=f"{BUILDS}/{build.pk}",
        operation=f"{OPERATIONS}/{build.pk}",
        log=f"{BUILDS}/{build.pk}/log",
        name=build.name,
        source=str(Source.of(options["source"])),
        commit=facts.get("commit", ""),
        version=options["version"],
        target=build.target.name,
        state=OperationState(build.state),
        platforms=options["platforms"] or ([facts["platform"]] if "platform" in facts else []),
        method=facts.get("method", ""),
        image=facts.get("image", ""),
        size=facts.get("size"),
        pushed="digest" in facts and build.state == OperationState.DONE,
        digest=facts.get("digest", ""),
        error=build.error,
        hint=build.hint,
        requested_by=build.requested_by,
        created_at=build.created_at,
        started_at=build.started_at,
        finished_at=build.finished_at,
    )
