"""An old snapshot and the events since then are a fresh snapshot, whatever service was called."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType

import pytest

from deployments import applying, builds, support, targets, tending
from deployments import services as deployments
from deployments.builds import Wish
from deployments.drivers.base import ContainerNews, Revival
from deployments.drivers.fake import REJECT_LABEL
from deployments.engine import context
from deployments.models import Operation, OperationState
from egx_project.access import people
from egx_project.access import services as access
from egx_project.access.roles import Role
from egx_project.events.read import as_json, last_number, since
from gateways import services as gateways
from gateways.models import Backend, Gateway, Route, Target, TargetKind
from gateways.spec.base import ObjectRef
from monitoring.fold import fold
from monitoring.snapshot import OPERATIONS_SHOWN, State, snapshot
from tests.builders import (
    apply,
    ask_retirement,
    ask_update,
    carry_out,
    fake_target,
    gateway_yaml,
    offer,
    route_yaml,
    serve_gateway,
    set_policy,
)  # fmt: skip
from updates import quarantine
from updates.services import backups, changes, releases

pytestmark = pytest.mark.django_db(transaction=True)

SERVICES = (deployments, applying, targets, tending, support, builds, gateways, access)
WEB = ObjectRef(kind="HTTPRoute", namespace="default", name="web")
READERS = frozenset(
    {
        "find_operation",
        "plan_change",
        "plan_removal",
        "await_death",
        "user_of_token",
        "services",
        "service_name",
        "find_service",
        "run_agents",
        "full_name",
        "find_build",
        "read_log",
        "last_words",
        "log_folder",
        "facts_of",
    }
)
"""Public functions of the services modules that write nothing a snapshot tells of."""


class Reader:
    """Somebody who took a snapshot once and has had only events since."""

    def __init__(self) -> None:
        self.number = last_number()
        self.state: State = copy.deepcopy(snapshot())

    def catch_up(self) -> State:
        page = since(self.number)
        assert not page.reset
        for event in page.events:
            fold(self.state, as_json(event))
        self.number = page.last
        return self.state


def finish_all() -> None:
    """Carry out whatever waits."""
    while waiting := Operation.objects.filter(state=OperationState.QUEUED).order_by("pk").first():
        carry_out(waiting)


def create(target: Target) -> None:
    apply(gateway_yaml() + route_yaml(), target=target)


def create_in_a_namespace(target: Target) -> None:
    text = gateway_yaml("other", ports=(8081, 8082)).replace("{name: other}", "{name: other, namespace: shop}")
    apply(text, target=target)


def change_a_route(target: Target) -> None:
    serve_gateway(target=target)
    apply(route_yaml(path="/other"), target=target)


def change_a_backend(target: Target) -> None:
    serve_gateway(target=target)
    apply(route_yaml(backend_port=9009), target=target)


def change_listeners(target: Target) -> None:
    serve_gateway(target=target)
    apply(gateway_yaml(ports=(8080, 8090)), target=target)
    finish_all()
    apply(gateway_yaml(ports=(8090,)), target=target)


def move_a_route_to_another_gateway(target: Target) -> None:
    serve_gateway(target=target)
    apply(gateway_yaml("two", ports=(8081,)), target=target)
    apply(route_yaml(gateway="two"), target=target)


def delete_a_route_and_its_backend(target: Target) -> None:
    serve_gateway(target=target)
    applying.delete_objects([WEB], by="tester")
    applying.delete_objects([ObjectRef(kind="Backend", namespace="default", name="web")], by="tester")


def replace_the_engine(target: Target) -> None:
    gateway = serve_gateway(target=target)
    ask_update(gateway)


def update_and_roll_back(target: Target) -> None:
    gateway = serve_gateway(target=target)
    carry_out(ask_update(gateway))
    changes.request_rollback(gateway=gateway, by="tester")


def update_and_retire_what_was_before(target: Target) -> None:
    gateway = serve_gateway(target=target)
    carry_out(ask_update(gateway))
    ask_retirement(gateway)


def restore(target: Target) -> None:
    gateway = serve_gateway(target=target)
    made = backups.back_up(gateway=gateway, by="tester")
    apply(gateway_yaml(ports=(8080, 8090)) + "---\n" + route_yaml(path="/other"), target=target)
    finish_all()
    changes.request_restore(key=made.key, by="tester")


def restore_what_is_gone(target: Target) -> None:
    gateway = serve_gateway(target=target)
    made = backups.back_up(gateway=gateway, by="tester")
    deployments.request_remove(gateway=gateway, by="tester")
    finish_all()
    changes.request_restore(key=made.key, by="tester")


def change_while_replacing(target: Target) -> None:
    gateway = serve_gateway(target=target)
    ask_update(gateway)
    deployments.request_configure(gateway=gateway, by="tester")


def ask_again(target: Target) -> None:
    gateway = serve_gateway(target=target)
    gateways.raise_generation(gateway)
    deployments.request_change(gateway=gateway, by="tester")


def be_refused_by_the_engine(target: Target) -> None:
    serve_gateway(target=target)
    apply(gateway_yaml(labels={REJECT_LABEL: "it says no"}), target=target)


def take_a_configuration_back(target: Target) -> None:
    gateway = serve_gateway(target=target)
    apply(route_yaml(path="/other"), target=target)
    finish_all()
    gateways.mark_taken_back(gateway_id=gateway.pk, generation=1)


def fail_the_first_deployment_and_resume_it(target: Target) -> None:
    apply(gateway_yaml(labels={REJECT_LABEL: "it says no"}), target=target)
    finish_all()
    operation = Operation.objects.latest("pk")
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.FAILED)  # as if the undo had not gone well
    reader = Reader()
    deployments.resume(operation_id=operation.pk, by="tester")
    assert reader.catch_up() == snapshot()


def resume_one_that_nobody_is_shown_any_more(target: Target) -> None:
    serve_gateway(target=target)
    old = Operation.objects.latest("pk")
    for number in range(OPERATIONS_SHOWN + 3):
        apply(route_yaml(path=f"/{number}"), target=target)
        finish_all()
    Operation.objects.filter(pk=old.pk).update(state=OperationState.FAILED, error="as it was")
    reader = Reader()
    deployments.resume(operation_id=old.pk, by="tester")
    assert reader.catch_up() == snapshot()


def cancel_what_waits(target: Target) -> None:
    create(target)
    deployments.cancel(operation_id=Operation.objects.latest("pk").pk, by="tester")


def remove(target: Target) -> None:
    gateway = serve_gateway(target=target)
    deployments.request_remove(gateway=gateway, by="tester")


def remove_one_of_two_that_share_a_route(target: Target) -> None:
    both = gateway_yaml("one") + "---\n" + gateway_yaml("two", ports=(8081,))
    route = route_yaml().replace("parentRefs: [{name: web}]", "parentRefs: [{name: one}, {name: two}]")
    apply(both + route, target=target)
    finish_all()
    deployments.request_remove(gateway=Gateway.objects.get(name="one"), by="tester")


def add_a_target(target: Target) -> None:
    targets.add_target(name="elsewhere", kind=TargetKind.FAKE, node="other")


def forget_a_target(target: Target) -> None:
    gateways.ensure_target(name="nowhere", kind=TargetKind.FAKE, node="other")
    targets.remove_target(name="nowhere")


def let_people_in(target: Target) -> None:
    access.create_token(user=people.owner(), name="ci", role=Role.VIEWER, lifetime=timedelta(days=1), by="tester")
    access.revoke_token(name="ci", by="tester")
    link = access.issue_link(user=people.owner(), by="tester")
    access.use_link(link.rsplit("/", 1)[1])


def put_a_release_away_and_take_it_back(target: Target) -> None:
    gateway = serve_gateway(target=target)
    offer("1.41.0")
    set_policy(gateway, mode="notify")
    releases.quarantine(channel="envoy", version="1.41.0", reason="it fails", by="tester")
    quarantine.lift(channel="envoy", version="1.41.0", by="tester")


def revive(target: Target) -> None:
    gateway = serve_gateway(target=target)
    tending._record_revival(Revival(key=gateway.key, unit="blue", reason="killed", failures=1))
    tending._record_container(ContainerNews(gateway.key, "shop", "joined", "it was not there"))
    tending.tend()
    deployments.wake_stale()


def switch_a_service_on_where_no_engine_answers(target: Target) -> None:
    gateways.ensure_target(name="engine", kind=TargetKind.DOCKER, node="test")
    Target.objects.filter(name="engine").update(options={"host": "unix:///nowhere/docker.sock"})
    support.switch(target="engine", name="test-backend", on=True, by="tester")
    support.converge()
    support.switch(target="engine", name="test-backend", on=False, by="tester")


def ask_for_a_build_where_no_engine_answers(target: Target) -> None:
    gateways.ensure_target(name="engine", kind=TargetKind.DOCKER, node="test")
    Target.objects.filter(name="engine").update(options={"host": "unix:///nowhere/docker.sock"})
    wish = Wish(name="registry.example.org:5000/team/app", source="https://git.example.org/app.git", push=True)
    builds.request_build(wish=wish, by="tester")


CALLS: tuple[Callable[[Target], None], ...] = (
    create, create_in_a_namespace, change_a_route, change_a_backend, change_listeners,
    move_a_route_to_another_gateway, delete_a_route_and_its_backend, replace_the_engine, update_and_roll_back,
    update_and_retire_what_was_before, restore, restore_what_is_gone, change_while_replacing,
    ask_again, be_refused_by_the_engine, take_a_configuration_back, fail_the_first_deployment_and_resume_it,
    resume_one_that_nobody_is_shown_any_more, cancel_what_waits, remove, remove_one_of_two_that_share_a_route,
    add_a_target, forget_a_target, let_people_in, put_a_release_away_and_take_it_back, revive,
    switch_a_service_on_where_no_engine_answers,
    ask_for_a_build_where_no_engine_answers,
)  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_an_old_snapshot_and_the_events_since_are_a_fresh_snapshot(call: Callable[[Target], None]) -> None:
    reader = Reader()
    call(fake_target())
    assert reader.catch_up() == snapshot()
    finish_all()
    assert reader.catch_up() == snapshot()


def public_functions(module: ModuleType) -> Iterator[str]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            yield name


def test_every_service_that_writes_is_called_above(monkeypatch: pytest.MonkeyPatch) -> None:
    called: set[str] = set()

    def noting(function: Callable[..., object], name: str) -> Callable[..., object]:
        def noted(*args: object, **kwargs: object) -> object:
            called.add(name)
            return function(*args, **kwargs)

        return noted

    wanted = {name for module in SERVICES for name in public_functions(module)} - READERS
    for module in SERVICES:
        for name in public_functions(module):
            original: Callable[..., object] = getattr(module, name)
            for place in (module, context, changes):  # these import some by name
                if getattr(place, name, None) is original:
                    monkeypatch.setattr(place, name, noting(original, name))
    target = fake_target()
    for call in CALLS:
        call(target)
        finish_all()
        leave_nothing()
    assert wanted - called == set()


def leave_nothing() -> None:
    for gateway in Gateway.objects.all():
        deployments.request_remove(gateway=gateway, by="tester")
    finish_all()
    applying.delete_objects([row.ref for row in (*Route.objects.all(), *Backend.objects.all())], by="tester")
