"""What the docker runtime cannot do, by name. Pure. What the engine itself refuses, it says itself."""

from __future__ import annotations

from collections.abc import Iterable

from deployments.drivers.docker.hosts import is_this_machine
from deployments.drivers.docker.layout import ENGINE_PORTS, MOVED_BY
from deployments.drivers.docker.rendering import MARKER_LISTENER
from gateways.spec.base import Problem
from gateways.spec.objects import Gateway
from gateways.spec.snapshot import GatewaySnapshot, ResolvedBackend

ELSEWHERE = "use the process runtime for it"


def refusals(snapshot: GatewaySnapshot) -> tuple[Problem, ...]:
    """Errors stop the snapshot; warnings say what will not do what it seems to."""
    return (*_gateway(snapshot.gateway), *_backends(snapshot))


def _gateway(gateway: Gateway) -> Iterable[Problem]:
    spec = gateway.spec
    ports = {listener.port for listener in spec.listeners}
    for index, listener in enumerate(spec.listeners):
        path: tuple[str | int, ...] = ("spec", "listeners", index)
        if listener.protocol != "HTTP":
            yield _cannot(gateway, f"protocol {listener.protocol}", (*path, "protocol"), hint="use protocol HTTP")
        if listener.name == MARKER_LISTENER:
            yield _cannot(gateway, f"a listener named {MARKER_LISTENER}", (*path, "name"), hint="give it another name")
        if listener.port - MOVED_BY in ENGINE_PORTS and listener.port - MOVED_BY in ports:
            yield _cannot(
                gateway,
                f"ports {listener.port - MOVED_BY} and {listener.port} together",
                (*path, "port"),
                hint="use another port for one of them",
            )
    for name, value in (("infrastructure", spec.infrastructure), ("addresses", spec.addresses)):
        if value:
            yield _cannot(gateway, name, ("spec", name), hint="EGX itself says where a gateway's engine runs")


def _cannot(gateway: Gateway, what: str, path: tuple[str | int, ...], *, hint: str) -> Problem:
    return Problem(message=f"the docker runtime cannot do {what}", hint=hint, ref=gateway.ref, path=path)


def _backends(snapshot: GatewaySnapshot) -> Iterable[Problem]:
    for backend in {backend.ref: backend for backend in snapshot.backends}.values():
        yield from _backend(backend)


def _backend(backend: ResolvedBackend) -> Iterable[Problem]:
    if any(endpoint.unix for endpoint in backend.endpoints):
        yield Problem(message="a container cannot reach a Unix socket of this machine", hint=ELSEWHERE, ref=backend.ref)
    if any(is_this_machine(endpoint.host) for endpoint in backend.endpoints):
        yield Problem(
            message="127.0.0.1 is this machine, which the engine's container reaches from outside",
            hint="on Linux what answers must listen on 0.0.0.0, not on 127.0.0.1 alone",
            ref=backend.ref,
            severity="warning",
        )
