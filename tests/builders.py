"""Things that tests need, made through the services wherever there is one."""

from __future__ import annotations

from typing import Any

from deployments import applying, services
from deployments.applying import Outcome
from deployments.engine.executor import Workshop, run
from deployments.models import Operation, OperationKind
from deployments.tasks import workshop
from gateways.manifests.reader import Source, read
from gateways.models import Gateway, Target, TargetKind
from gateways.services import ensure_target
from updates.models import ChannelCheck, Release, Soak, UpdatePolicy
from updates.services import changes, policies

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}{labels}}}
spec:
  gatewayClassName: egx
  listeners: [{listeners}]
"""
ROUTE = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: {gateway}}}]
  rules:
    - matches: [{{path: {{type: PathPrefix, value: {path}}}}}]
      backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: web}}]
"""
BACKEND = """\
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: web}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {backend_port}}}}}]}}
"""


def gateway_yaml(name: str = "web", *, ports: tuple[int, ...] = (8080,), labels: dict[str, str] | None = None) -> str:
    listeners = ", ".join(f"{{name: http-{port}, port: {port}, protocol: HTTP}}" for port in ports)
    written = ", ".join(f"{key}: '{value}'" for key, value in (labels or {}).items())
    return GATEWAY.format(name=name, listeners=listeners, labels=f", labels: {{{written}}}" if written else "")


def route_yaml(
    name: str = "web", *, gateway: str = "web", path: str = "/", backend_port: int = 9000, with_backend: bool = True
) -> str:
    route = ROUTE.format(name=name, gateway=gateway, path=path)
    return route + BACKEND.format(backend_port=backend_port) if with_backend else route


def fake_target(folder: str = "", *, latency: float = 0.0) -> Target:
    """A target whose world is this folder of the data directory, or, without one, this process's memory."""
    target = ensure_target(name="local", kind=TargetKind.FAKE, node="test")
    target.options = {"folder": folder, "latency": latency} if folder else {}
    target.save()
    return target


def process_target() -> Target:
    return ensure_target(name="local", kind=TargetKind.PROCESS, node="test")


def docker_target() -> Target:
    return ensure_target(name="docker", kind=TargetKind.DOCKER, node="test")


def apply(text: str, *, target: Target, **options: Any) -> Outcome:
    return applying.apply_manifest(read([Source(name="test.yaml", text=text)]), target=target, by="tester", **options)


def offer(version: str, *, channel: str = "envoy", **facts: Any) -> Release:
    """A release that the channel is known to have."""
    ChannelCheck.objects.get_or_create(channel=channel)
    told = {"url": f"http://127.0.0.1:9/{version}.whl", "sha256": "0" * 64, **facts}
    return Release.objects.update_or_create(channel=channel, version=version, defaults=told)[0]


def ask_update(gateway: Gateway, version: str = "1.41.0", **facts: Any) -> Operation:
    """Asked for, and offered with these facts."""
    offer(version, **facts)
    return changes.request_update(gateway=gateway, version=version, downgrade=True, by="tester")


def ask_retirement(gateway: Gateway) -> Operation:
    """Of the slot that the last switch has left."""
    soak = Soak.objects.get(gateway=gateway, over_at=None)
    options = {"slot": soak.old_slot, "reason": "it is not needed"}
    return services.queue(gateway, OperationKind.RETIRE, by="tester", options=options)


def set_policy(gateway: Gateway, **fields: Any) -> UpdatePolicy:
    return policies.set_policy(gateway=gateway, changes=fields, by="tester")


def carry_out(operation: Operation, shop: Workshop | None = None) -> Operation:
    """Run the operation here, as a worker does, and return it as it is then."""
    run(operation.pk, shop or workshop())
    return Operation.objects.get(pk=operation.pk)


def serve_gateway(*, target: Target, text: str | None = None) -> Gateway:
    """A gateway that serves."""
    outcome = apply(text or gateway_yaml() + route_yaml(), target=target)
    operation = carry_out(outcome.operations[0])
    assert operation.state == "done", operation.error
    assert operation.gateway is not None
    return operation.gateway
