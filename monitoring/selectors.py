"""What pages show, from the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet, prefetch_related_objects

from deployments import builds
from deployments import selectors as deployments
from deployments.models import BUILDS, Operation, OperationState, OperationStep, Slot, StepState
from egx_project.events import read as events
from egx_project.events.kinds import EventKind
from egx_project.events.models import Event
from gateways import selectors as desired
from gateways.manifests import writer
from gateways.models import Backend, Gateway, Listener, Route
from gateways.spec.base import ManifestObject
from gateways.spec.objects import HTTPRoute
from monitoring import words
from updates.services.checks import UpdateInfo, update_infos

GATEWAYS_A_PAGE = 100
OPERATIONS_A_PAGE = 50
RECENT = 10
EVENTS_SHOWN = 500
NEWS = 1000
"""Within how many of the newest events a gateway's creation is news; a browser that missed more starts over."""
MACHINES = frozenset({"counters"})
"""Findings that a later step reckons with, and nobody reads."""
SETTLED = (StepState.DONE, StepState.UNDONE, StepState.DROPPED)


# --- gateways -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """How far an unfinished operation is."""

    operation: Operation

    @property
    def steps(self) -> list[OperationStep]:
        return [step for step in self.operation.steps.all() if step.state != StepState.DROPPED]

    @property
    def done(self) -> int:
        return sum(step.state in SETTLED for step in self.steps)

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def now(self) -> str:
        """The step that is at work."""
        return next((step.name for step in self.steps if step.state in {StepState.RUNNING, StepState.UNDOING}), "")


@dataclass(frozen=True)
class Card:
    """A gateway as lists show it."""

    gateway: Gateway
    info: UpdateInfo

    @property
    def update(self) -> str:
        """The version that it could have now; empty where there is none, or its policy tells nobody."""
        latest = self.info.latest if self.info.upgrade_available and self.info.told else None
        return latest.version if latest else ""

    @property
    def id(self) -> str:
        return f"gateway-{self.gateway.pk}"

    @property
    def name(self) -> str:
        return self.gateway.place

    @property
    def state(self) -> str:
        return deployments.state_of(self.gateway)

    @property
    def at_work(self) -> list[Progress]:
        return [Progress(operation) for operation in deployments.unfinished_of(self.gateway)]

    @property
    def slots(self) -> list[Slot]:
        return list(self.gateway.slots.all())

    @property
    def listeners(self) -> list[Listener]:
        return list(self.gateway.listeners.all())

    @property
    def addresses(self) -> list[str]:
        return [f"http://localhost:{number}" for number in sorted({one.port.number for one in self.listeners})]

    @property
    def is_behind(self) -> bool:
        return self.gateway.applied_generation < self.gateway.generation


def gateway_page(number: int) -> Page[Gateway]:
    """A page of gateways, with what cards show, in a constant number of queries."""
    return Paginator(deployments.with_deployments(desired.gateways()), GATEWAYS_A_PAGE).get_page(number)


def gateways_of(subjects: Iterable[str]) -> QuerySet[Gateway]:
    """The gateways that events' subjects name. What a change of a route or backend concerns is named beside it."""
    wanted = Q(pk__in=[])
    for subject in subjects:
        kind, _, place = subject.partition("/")
        namespace, _, name = place.rpartition("/")
        if kind == "gateway":
            wanted |= Q(namespace=namespace or "default", name=name)
    return deployments.with_deployments(desired.gateways().filter(wanted))


def cards(gateways: Iterable[Gateway]) -> list[Card]:
    found = list(gateways)
    prefetch_related_objects([one for gateway in found for one in deployments.unfinished_of(gateway)], "steps")
    infos = update_infos(found)
    return [Card(gateway, infos[gateway.pk]) for gateway in found]


def some_came_or_went(subjects: frozenset[str], there: Iterable[Gateway]) -> bool:
    """Whether a gateway among the subjects is gone, or so new that a browser may not have it in its list."""
    named = {subject for subject in subjects if subject.startswith("gateway/")}
    if named - {f"gateway/{gateway.place}" for gateway in there}:
        return True
    newest = events.last_number() - NEWS
    return Event.objects.filter(number__gt=newest, kind=EventKind.GATEWAY_CREATED, subject__in=named).exists()


# --- one gateway ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttachedRoute:
    route: Route

    @property
    def name(self) -> str:
        return f"{self.route.namespace}/{self.route.name}" if self.route.namespace != "default" else self.route.name

    @property
    def written(self) -> HTTPRoute:
        return self.route.as_object()

    @property
    def rules(self) -> list[words.RuleWords]:
        return words.rules(self.written)

    @property
    def listeners(self) -> str:
        """The listeners that it asks for by name; empty for all."""
        names = {ref.section_name for ref in self.written.spec.parent_refs}
        return "" if None in names else ", ".join(sorted(name for name in names if name))


def find_card(gateway_id: int) -> Card | None:
    found = cards(deployments.with_deployments(desired.gateways().filter(pk=gateway_id)))
    return found[0] if found else None


def routes_of(gateway: Gateway) -> list[AttachedRoute]:
    return [AttachedRoute(route) for route in Route.objects.filter(gateways=gateway)]


def messages_of(card: Card, operations: Iterable[Operation]) -> list[tuple[str, str]]:
    """What somebody who looks after the gateway should know, each with what to do."""
    found = []
    finished = next((one for one in operations if not one.is_active), None)
    if finished and finished.error and finished.state != OperationState.DONE:
        found.append((f"{finished.kind} (operation {finished.pk}) did not succeed: {finished.error}", finished.hint))
    if card.is_behind and card.slots and not card.at_work:
        generation, applied = card.gateway.generation, card.gateway.applied_generation
        found.append((f"generation {generation} is desired, but {applied} serves", "apply its manifest again"))
    return found


def manifest_of(gateway: Gateway) -> str:
    """The gateway, its routes and their backends as YAML that can be applied again."""
    found: list[ManifestObject] = [gateway.as_object()]
    backends: set[Backend] = set()
    for route in gateway.routes.prefetch_related("backends"):
        found.append(route.as_object())
        backends.update(route.backends.all())
    return writer.write([*found, *(backend.as_object() for backend in backends)])


def leaves_with(gateway: Gateway) -> tuple[list[Route], list[Route]]:
    """The gateway's routes: those that are attached to it alone and leave with it, and those that stay."""
    routes = list(gateway.routes.prefetch_related("gateways"))
    alone = [route for route in routes if len(route.gateways.all()) == 1]
    return alone, [route for route in routes if route not in alone]


# --- operations -----------------------------------------------------------------------------------------------------


def recent_operations() -> QuerySet[Operation]:
    return deployments.operations()[:RECENT]


def operations_of(gateway: Gateway) -> list[Operation]:
    return list(deployments.operations().filter(gateway=gateway)[:RECENT])


def operation_page(number: int, *, gateway: str = "", state: str = "") -> Page[Operation]:
    found = deployments.operations()
    if gateway:
        found = found.filter(gateway_name=gateway)
    if state:
        found = found.filter(state=state)
    return Paginator(found, OPERATIONS_A_PAGE).get_page(number)


def find_operation(operation_id: int) -> Operation | None:
    return deployments.operations().select_related("gateway", "target").filter(pk=operation_id).first()


@dataclass(frozen=True)
class StepLine:
    """A step as its operation's page shows it."""

    step: OperationStep

    @property
    def number(self) -> int:
        return self.step.index + 1

    @property
    def took(self) -> str:
        return took(self.step)

    @property
    def results(self) -> list[tuple[str, str]]:
        return [(name, words.value(found)) for name, found in self.step.result.items() if name not in MACHINES]


def step_lines(operation: Operation) -> list[StepLine]:
    return [StepLine(step) for step in operation.steps.all()]


def took(row: Operation | OperationStep) -> str:
    """How long it was at work; empty while it is not finished."""
    if row.started_at is None or row.finished_at is None:
        return ""
    return duration(row.finished_at - row.started_at)


def duration(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


@dataclass(frozen=True)
class LogLine:
    event: Event

    @property
    def text(self) -> str:
        return words.event(self.event.kind, self.event.data)


def log_of(operation: Operation) -> list[LogLine]:
    """The newest of the operation's events, in the order in which they happened."""
    found = events.since(None, operation=operation.pk, limit=EVENTS_SHOWN).events
    return [LogLine(event) for event in found if event.kind != EventKind.BUILD_PROGRESS]


def said_by(operation: Operation) -> str:
    """The last lines of a build's log, where it lies on this node."""
    return builds.last_words(operation) if operation.kind in BUILDS else ""
