from __future__ import annotations

import pytest

from deployments import services
from deployments.drivers.fake import REJECT_LABEL
from deployments.models import Operation, OperationState, Slot
from deployments.tasks import driver_of
from egx_project.events.models import Event
from egx_project.lib.errors import BadInputError, ConflictError
from gateways.models import Gateway, Route, Target
from tests.builders import apply, ask_update, carry_out, fake_target, gateway_yaml, route_yaml, serve_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def target() -> Target:
    return fake_target()


def slots(gateway: Gateway) -> dict[str, str]:
    return {slot.name: slot.state for slot in Slot.objects.filter(gateway=gateway)}


def test_a_new_gateway_is_deployed_and_serves_its_generation(target: Target) -> None:
    gateway = serve_gateway(target=target)
    observed = driver_of(target).observe(gateway.key)
    assert (observed.edge.serving, observed.edge.ports) == ("blue", (8080,))
    assert gateway.applied_generation == gateway.generation == 1
    assert slots(gateway) == {"blue": "serving"}


def test_every_step_is_in_the_journal_with_its_cause(target: Target) -> None:
    serve_gateway(target=target)
    steps = Operation.objects.get().steps.all()
    assert [step.name for step in steps] == [
        "preflight", "pull", "check_config", "start_new", "wait_healthy", "try_config", "open_edge", "switch_traffic",
    ]  # fmt: skip
    assert all(step.state == "done" and step.cause for step in steps)


def test_a_route_change_is_a_configuration_and_not_a_deployment(target: Target) -> None:
    gateway = serve_gateway(target=target)
    operation = apply(route_yaml(path="/other"), target=target).operations[0]
    assert operation.kind == "configure"
    assert carry_out(operation).state == "done"
    gateway.refresh_from_db()
    assert gateway.applied_generation == gateway.generation == 2


def test_changes_that_come_while_one_waits_join_it(target: Target) -> None:
    serve_gateway(target=target)
    first = apply(route_yaml(path="/one"), target=target).operations[0]
    second = apply(route_yaml(path="/two"), target=target).operations[0]
    assert first.pk == second.pk
    carry_out(first)
    assert Gateway.objects.get().applied_generation == 3


def test_applying_the_same_again_changes_nothing(target: Target) -> None:
    serve_gateway(target=target)
    before = Event.objects.count()
    outcome = apply(gateway_yaml() + route_yaml(), target=target)
    assert [change.action for change in outcome.changes] == ["unchanged"] * 3
    assert not outcome.operations
    assert Event.objects.count() == before


def test_a_dry_run_prints_the_plan_and_changes_nothing(target: Target) -> None:
    outcome = apply(gateway_yaml() + route_yaml(), target=target, dry_run=True)
    assert "start_new" in outcome.plans["web"].text()
    assert not Gateway.objects.exists()
    assert not Operation.objects.exists()
    assert not Event.objects.filter(kind__startswith="gateway").exists()


def test_a_second_lifecycle_operation_is_refused_by_name_of_the_first(target: Target) -> None:
    gateway = serve_gateway(target=target)
    first = ask_update(gateway)
    with pytest.raises(ConflictError, match=rf"operation {first.pk} \(update\)"):
        services.request_remove(gateway=gateway, by="tester")


def test_configuration_is_taken_while_an_engine_is_replaced_and_reaches_both_slots(target: Target) -> None:
    gateway = serve_gateway(target=target)
    driver = driver_of(target)
    update = ask_update(gateway)
    change = apply(route_yaml(path="/during"), target=target).operations[0]
    assert carry_out(change).state == "done"
    assert carry_out(update).state == "done"
    observed = driver.observe(gateway.key)
    assert observed.edge.serving is not None
    assert observed.slots[observed.edge.serving].generation == 2


def test_another_version_is_started_beside_and_the_old_one_stays_warm(target: Target) -> None:
    gateway = serve_gateway(target=target)
    operation = carry_out(ask_update(gateway))
    assert operation.state == "done"
    assert slots(gateway) == {"blue": "warm", "green": "serving"}


def test_a_version_that_cannot_be_had_leaves_the_old_one_serving(target: Target) -> None:
    gateway = serve_gateway(target=target)
    operation = carry_out(ask_update(gateway, "missing"))
    assert (operation.state, operation.error) == ("rolled_back", "there is no engine missing")
    assert driver_of(target).observe(gateway.key).edge.serving == "blue"


def test_a_configuration_that_the_engine_refuses_is_not_applied_and_the_next_one_is(target: Target) -> None:
    gateway = serve_gateway(target=target)
    bad = apply(gateway_yaml(labels={REJECT_LABEL: "yes"}), target=target).operations[0]
    assert carry_out(bad).state == "rolled_back"
    gateway.refresh_from_db()
    assert (gateway.generation, gateway.applied_generation) == (2, 1)
    good = apply(gateway_yaml(), target=target).operations[0]
    assert carry_out(good).state == "done"
    gateway.refresh_from_db()
    assert gateway.applied_generation == 3


def test_applying_again_what_had_failed_tries_it_again(target: Target) -> None:
    gateway = serve_gateway(target=target)
    text = gateway_yaml(labels={REJECT_LABEL: "yes"})
    carry_out(apply(text, target=target).operations[0])
    again = apply(text, target=target)
    assert [operation.kind for operation in again.operations] == ["configure"]
    gateway.refresh_from_db()
    assert gateway.generation == 3


def test_removing_a_gateway_takes_its_routes_and_frees_its_port(target: Target) -> None:
    gateway = serve_gateway(target=target)
    operation = carry_out(services.request_remove(gateway=gateway, by="tester"))
    assert operation.state == "done"
    assert not Gateway.objects.exists()
    assert not Route.objects.exists()
    assert not driver_of(target).observe(gateway.key).exists
    assert apply(gateway_yaml("other"), target=target).operations


def test_a_port_of_another_gateway_is_refused_with_its_line(target: Target) -> None:
    serve_gateway(target=target)
    with pytest.raises(BadInputError) as refused:
        apply(gateway_yaml("other"), target=target)
    (problem,) = refused.value.problems
    assert problem.line == 6
    assert "port 8080 of target local belongs to Gateway web" in problem.message
    assert not Gateway.objects.filter(name="other").exists()


def test_a_backend_that_is_not_there_is_refused_with_its_line(target: Target) -> None:
    text = gateway_yaml() + route_yaml().split("---\napiVersion: gateway.envoyproxy.io")[0]
    with pytest.raises(BadInputError) as refused:
        apply(text, target=target)
    (problem,) = refused.value.problems
    assert problem.message == "there is no Backend web"
    assert problem.line > 0


def test_a_match_that_another_route_has_is_refused(target: Target) -> None:
    serve_gateway(target=target)
    with pytest.raises(BadInputError, match="cannot be applied") as refused:
        apply(route_yaml("second"), target=target)
    assert "HTTPRoute web has the same match" in refused.value.problems[0].message


def test_a_cancelled_operation_ends_rolled_back_and_says_by_whom(target: Target) -> None:
    gateway = serve_gateway(target=target)
    operation = ask_update(gateway)
    services.cancel(operation_id=operation.pk, by="somebody")
    ended = carry_out(operation)
    assert (ended.state, ended.error) == (OperationState.ROLLED_BACK, "cancelled by somebody")
    assert slots(gateway) == {"blue": "serving"}


def test_an_operation_whose_workers_keep_dying_is_undone_in_the_end(target: Target) -> None:
    gateway = serve_gateway(target=target)
    operation = ask_update(gateway)
    Operation.objects.filter(pk=operation.pk).update(attempt=5)
    ended = carry_out(operation)
    assert ended.state == "rolled_back"
    assert "given up after 5 attempts" in ended.error


def test_a_done_operation_is_neither_cancelled_nor_resumed(target: Target) -> None:
    serve_gateway(target=target)
    operation = Operation.objects.get()
    with pytest.raises(ConflictError):
        services.cancel(operation_id=operation.pk, by="somebody")
    with pytest.raises(ConflictError):
        services.resume(operation_id=operation.pk, by="somebody")


def test_events_are_numbered_without_repeats_and_tell_the_whole_story(target: Target) -> None:
    serve_gateway(target=target)
    kinds = list(Event.objects.values_list("kind", flat=True))
    assert kinds[0] == "target.added"
    assert kinds[-1] == "operation.finished"
    assert {"gateway.created", "route.created", "backend.created", "operation.queued", "slot.changed"} <= set(kinds)
    assert list(Event.objects.values_list("number", flat=True)) == list(range(1, len(kinds) + 1))
