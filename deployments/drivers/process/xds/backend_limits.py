"""What of a backend this runtime cannot do."""

from __future__ import annotations

from collections.abc import Iterable

from deployments.drivers.process.xds.clusters import is_static
from deployments.drivers.process.xds.limits import Refuser
from gateways.spec.base import Problem
from gateways.spec.objects import ENVOY_GATEWAY, Backend, Service
from gateways.spec.snapshot import ResolvedBackend

PLAIN_PROTOCOLS = {"http", "kubernetes.io/ws", f"{ENVOY_GATEWAY}/ws"}
"""HTTP/1.1, which WebSockets are part of."""


def backend_refusals(backend: Backend | Service) -> Iterable[Problem]:
    return _service_refusals(backend) if isinstance(backend, Service) else _backend_refusals(backend)


def _backend_refusals(backend: Backend) -> Iterable[Problem]:
    say = Refuser(backend.ref)
    spec = backend.spec
    if spec.type != "Endpoints":
        yield say.cannot(f"type {spec.type}", ("spec", "type"))
    yield from say.each_set((("tls", spec.tls), ("fallback", spec.fallback)), ("spec",))
    for index, protocol in enumerate(spec.app_protocols):
        if protocol not in PLAIN_PROTOCOLS:
            yield say.cannot(f"appProtocol {protocol}", ("spec", "appProtocols", index))
    for index, endpoint in enumerate(spec.endpoints):
        path = ("spec", "endpoints", index)
        for name, value in (("hostname", endpoint.hostname), ("zone", endpoint.zone)):
            if value is not None:
                yield say.warning(f"{name} has no effect on the process runtime", (*path, name))


def _service_refusals(service: Service) -> Iterable[Problem]:
    say = Refuser(service.ref)
    for index, port in enumerate(service.spec.ports):
        protocol = port.get("appProtocol")
        if protocol is not None and protocol not in PLAIN_PROTOCOLS:
            yield say.cannot(f"appProtocol {protocol}", ("spec", "ports", index, "appProtocol"))


def resolved_refusals(backend: ResolvedBackend) -> Iterable[Problem]:
    """Envoy takes Unix sockets only where it looks nothing up."""
    unix = any(endpoint.unix for endpoint in backend.endpoints)
    if unix and not all(is_static(endpoint) for endpoint in backend.endpoints):
        hint = "make two Backends of it"
        yield Refuser(backend.ref).cannot("Unix sockets and DNS names in one backend", ("spec", "endpoints"), hint=hint)
