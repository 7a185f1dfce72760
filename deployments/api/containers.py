"""Containers of users: what there is, and a gateway's path to one."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments.api.shown import AppliedOut, ChangedOut, changed, planned
from deployments.drivers.joining import LabelledRoute
from deployments.exposing.changes import expose, unexpose
from deployments.exposing.offers import Exposure, Offer, docker_target, offers
from deployments.exposing.written import Wish
from egx_project.rest.answers import Made, answer_once
from egx_project.rest.bodies import ApiModel, asked, parsed

LONGEST_PATH = 1024
LONGEST_NAME = 330
NAME, PLACE = r"^[a-z0-9.-]*$", r"^[a-z0-9./-]*$"


class ContainersQuery(ApiModel):
    target: str = Field(default="", max_length=63, pattern=NAME)


class PortOut(ApiModel):
    number: int
    published: list[str]


class ExposureOut(ApiModel):
    gateway: str
    path: str
    host: str
    port: int
    route: str


class OfferedOut(ApiModel):
    """What the container's labels ask for."""

    name: str
    gateway: str
    path: str
    host: str
    port: int
    """0: the container's first."""
    keep_path: bool


class ContainerOut(ApiModel):
    name: str
    """What it stays the same by: the container's name, or `project/service` of compose."""
    containers: list[str]
    image: str
    state: str
    """As Docker has it, or `missing` where only a route to it is left."""
    health: str
    ports: list[PortOut]
    """What is probably HTTP first."""
    networks: list[str]
    exposures: list[ExposureOut]
    offered: list[OfferedOut]
    problems: list[str]
    """What is wrong with its labels."""
    obstacle: str
    """Why it cannot be exposed; empty where it can."""


class ContainersOut(ApiModel):
    items: list[ContainerOut]


class ExposeBody(ApiModel):
    path: str = Field(default="", max_length=LONGEST_PATH)
    """Empty, and no host either: what the container's labels ask for, or else all paths."""
    host: str = Field(default="", max_length=253)
    port: int = Field(default=0, ge=0, le=65535)
    """0: what is probably HTTP."""
    gateway: str = Field(default="", max_length=LONGEST_NAME, pattern=PLACE)
    """Empty: the only one on the target."""
    listen: int = Field(default=0, ge=0, le=65535)
    """The port of a gateway that is made for it, where there is none of the name."""
    keep_path: bool = False
    """Whether the container sees the whole path, or what follows the prefix."""
    target: str = Field(default="", max_length=63, pattern=NAME)
    dry_run: bool = False

    def wish(self, container: str) -> Wish:
        return Wish(container=container, **self.model_dump(exclude={"dry_run"}))


class UnexposeQuery(ApiModel):
    path: str = Field(default="", max_length=LONGEST_PATH)
    """One of several; empty: all."""
    target: str = Field(default="", max_length=63, pattern=NAME)
    dry_run: bool = False


TARGET = OpenApiParameter("target", description=f"Empty: `{settings.EGX_DOCKER_TARGET}`.")


class Containers(APIView):
    @extend_schema(responses=ContainersOut, parameters=[TARGET])
    def get(self, request: Request) -> Response:
        """Containers that are not EGX's own, those first that run."""
        target = docker_target(asked(ContainersQuery, request).target)
        return Response(ContainersOut(items=[_shown(offer) for offer in offers(target)]).as_json())


class Expose(APIView):
    answers_once = True

    @extend_schema(request=ExposeBody, responses={200: AppliedOut, 202: ChangedOut})
    def post(self, request: Request, name: str) -> Response:
        """Send what comes to a gateway at this path to the container; it joins EGX's network for it."""
        body = parsed(ExposeBody, request)

        def make() -> Made:
            outcome = expose(body.wish(name), by=str(request.user), dry_run=body.dry_run)
            return planned(outcome) if body.dry_run else changed(outcome)

        return answer_once(request, make)

    @extend_schema(
        responses={200: AppliedOut, 202: ChangedOut},
        parameters=[
            OpenApiParameter("path", description="One of several paths; empty: all."),
            TARGET,
            OpenApiParameter("dry_run", type=bool),
        ],
    )
    def delete(self, request: Request, name: str) -> Response:
        """Take the routes away; the container leaves EGX's network with the last."""
        query = asked(UnexposeQuery, request)

        def make() -> Made:
            outcome = unexpose(name, path=query.path, target=query.target, by=str(request.user), dry_run=query.dry_run)
            return planned(outcome) if query.dry_run else changed(outcome)

        return answer_once(request, make)


def _shown(offer: Offer) -> ContainerOut:
    found = offer.candidate
    return ContainerOut(
        name=found.identity,
        containers=list(found.names),
        image=found.image,
        state=found.state,
        health=found.health,
        ports=[PortOut(number=port.number, published=list(port.published)) for port in found.ports],
        networks=list(found.networks),
        exposures=[_exposure(one) for one in offer.exposures],
        offered=[_offered(one) for one in offer.open_routes],
        problems=list(found.problems),
        obstacle=found.obstacle,
    )


def _exposure(one: Exposure) -> ExposureOut:
    return ExposureOut(gateway=one.gateway, path=one.path, host=one.host, port=one.port, route=str(one.route))


def _offered(one: LabelledRoute) -> OfferedOut:
    return OfferedOut(
        name=one.name, gateway=one.gateway, path=one.path, host=one.host, port=one.port, keep_path=one.keep_path
    )
