"""The gateway that the subjects put load on."""

from __future__ import annotations

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: egx
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
"""
BACKEND = """\
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: {name}}}
spec: {{endpoints: [{{ip: {{address: {address}, port: {port}}}}}]}}
"""
ROUTE = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: {gateway}}}]
  rules:
"""
RULE = """\
    - matches: [{{path: {{type: {kind}, value: '{path}'}}}}]
      filters:
        - type: ResponseHeaderModifier
          responseHeaderModifier: {{set: [{{name: x-live, value: '{live}'}}]}}
      backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: {backend}, weight: {weight}}}]
"""
NAME = "bench"


def gateway(port: int, backend: int, *, name: str = NAME, others: dict[str, int] | None = None) -> str:
    """A gateway with the Backend `web` on this machine, and `others` by name and port."""
    backends = {"web": backend, **(others or {})}
    return GATEWAY.format(name=name, port=port) + "".join(
        BACKEND.format(name=backend, address="127.0.0.1", port=port) for backend, port in backends.items()
    )


def route(
    name: str = "web",
    *,
    path: str = "/",
    kind: str = "PathPrefix",
    live: int = 0,
    backend: str = "web",
    weight: int = 1,
) -> str:
    """A route of one rule, whose answers carry `live` in the header `x-live`."""
    return _head(name, NAME) + RULE.format(path=path, kind=kind, live=live, backend=backend, weight=weight)


def routes(live: int, rules: tuple[tuple[str, str], ...], *, name: str = "web", gateway: str = NAME) -> str:
    """A route of several rules, each a (path, backend)."""
    return _head(name, gateway) + "".join(
        RULE.format(path=path, kind="PathPrefix", live=live, backend=backend, weight=1) for path, backend in rules
    )


def _head(name: str, gateway: str) -> str:
    return ROUTE.format(name=name, gateway=gateway)
