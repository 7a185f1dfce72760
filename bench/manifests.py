"""The gateway that the subjects put load on."""

from __future__ import annotations

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: bench}}
spec:
  gatewayClassName: egx
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: web}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {backend}}}}}]}}
"""

ROUTE = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: bench}}]
  rules:
    - matches: [{{path: {{type: {kind}, value: '{path}'}}}}]
      filters:
        - type: ResponseHeaderModifier
          responseHeaderModifier: {{set: [{{name: x-live, value: '{live}'}}]}}
      backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: {backend}, weight: {weight}}}]
"""


def gateway(port: int, backend: int) -> str:
    return GATEWAY.format(port=port, backend=backend)


def route(
    name: str = "web",
    *,
    path: str = "/",
    kind: str = "PathPrefix",
    live: int = 0,
    backend: str = "web",
    weight: int = 1,
) -> str:
    """A route whose answers carry `live` in the header `x-live`."""
    return ROUTE.format(name=name, path=path, kind=kind, live=live, backend=backend, weight=weight)
