"""When a plan has containers join and leave, and who may have a route to one."""

from __future__ import annotations

import pytest

from deployments.drivers.base import EdgeObservation, Engine, Observation, SlotName, SlotObservation
from deployments.planner import Wish, plan_configure, plan_deploy, plan_remove
from egx_project.lib.errors import BadInputError
from gateways.models import Backend
from gateways.spec.containers import alias_of
from gateways.spec.objects import Backend as WrittenBackend
from gateways.spec.objects import Gateway
from gateways.spec.snapshot import GatewaySnapshot, ResolvedBackend
from tests.builders import apply, fake_target, gateway_yaml, route_yaml, serve_gateway

WISH = Wish(name="web", version="1.9.0")


def desired(*containers: str, generation: int = 2) -> GatewaySnapshot:
    listener = {"name": "http", "port": 8080, "protocol": "HTTP"}
    gateway = {"metadata": {"name": "web"}, "spec": {"gatewayClassName": "egx", "listeners": [listener]}}
    return GatewaySnapshot(
        key="gw1",
        generation=generation,
        gateway=Gateway.model_validate(gateway),
        backends=tuple(resolved(identity, number) for number, identity in enumerate(containers)),
    )


def resolved(identity: str, number: int) -> ResolvedBackend:
    metadata = {"name": f"b{number}", "annotations": {"egx.dev/container": identity}}
    endpoint = {"fqdn": {"hostname": alias_of(identity), "port": 80}}
    written = WrittenBackend.model_validate({"metadata": metadata, "spec": {"endpoints": [endpoint]}})
    return ResolvedBackend(ref=written.ref, written=written, endpoints=())


def serving(*joined: str, generation: int = 1) -> Observation:
    slot = SlotObservation(
        name=SlotName.BLUE, present=True, alive=True, ready=True, engine=Engine("1.9.0"), generation=generation
    )
    edge = EdgeObservation(present=True, alive=True, ports=(8080,), serving=SlotName.BLUE)
    return Observation(
        key="gw1",
        edge=edge,
        slots={SlotName.BLUE: slot, SlotName.GREEN: SlotObservation(SlotName.GREEN)},
        joined=joined,
    )


def names(plan: object) -> list[str]:
    return [step.name for step in plan.steps]  # type: ignore[attr-defined]


def test_a_container_joins_before_its_route_is_configured() -> None:
    plan = plan_configure(WISH, desired("shop-web"), serving())
    assert names(plan) == ["check_config", "join_containers", "configure_slots"]
    assert "container shop-web joins EGX's network" in plan.text()


def test_a_container_leaves_after_its_route_has_gone() -> None:
    plan = plan_configure(WISH, desired(), serving("shop-web"))
    assert names(plan) == ["check_config", "configure_slots", "leave_containers"]
    assert plan.steps[-1].arguments == {"containers": ["shop-web"]}


def test_who_has_joined_does_not_join_again() -> None:
    assert "join_containers" not in names(plan_configure(WISH, desired("a", "b"), serving("a", "b")))
    plan = plan_configure(WISH, desired("a", "b"), serving("a", "c"))
    assert [step.arguments["containers"] for step in plan.steps if "containers" in step.arguments] == [["b"], ["c"]]


def test_what_was_begun_and_cut_off_is_gone_on_with() -> None:
    """The slots hold the newest generation already; the container has not left yet."""
    plan = plan_configure(WISH, desired(), serving("shop-web", generation=2))
    assert names(plan) == ["leave_containers"]


def test_a_first_deployment_joins_before_it_starts_an_engine() -> None:
    steps = names(plan_deploy(WISH, desired("shop-web"), Observation(key="gw1")))
    assert steps.index("preflight") < steps.index("join_containers") < steps.index("start_new")


def test_with_its_gateway_a_container_leaves_when_nothing_serves_any_more() -> None:
    steps = names(plan_remove(WISH, serving("shop-web")))
    assert steps[-3:] == ["stop_slots", "leave_containers", "forget"]
    assert "leave_containers" not in names(plan_remove(WISH, serving()))


CONTAINER = """
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: web, annotations: {egx.dev/container: shop-web}}
spec: {endpoints: [{fqdn: {hostname: shop-web.container.egx.internal, port: 80}}]}
"""


@pytest.mark.django_db(transaction=True)
def test_a_runtime_that_reaches_no_containers_says_so_and_nothing_is_changed() -> None:
    target = fake_target()
    serve_gateway(target=target)
    with pytest.raises(BadInputError) as refused:
        apply(gateway_yaml() + route_yaml(with_backend=False) + CONTAINER, target=target)
    (problem,) = refused.value.problems
    assert "gateways on fake do not reach containers by name" in problem.message
    assert "kind docker" in problem.hint
    assert Backend.objects.get(name="web").annotations == {}
