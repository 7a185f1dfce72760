"""One gateway with everything that it needs, resolved: what a driver is given, and all that it is given."""

from __future__ import annotations

from datetime import datetime

from gateways.spec.base import ObjectRef, Part
from gateways.spec.containers import identity_of
from gateways.spec.objects import Backend, Gateway, HTTPRoute, Service


class Endpoint(Part):
    """One place that answers: a host (IP address or DNS name) and port, or a Unix socket's path."""

    host: str = ""
    port: int = 0
    unix: str = ""


class ResolvedBackend(Part):
    """A backend that routes of the gateway name, with its addresses."""

    ref: ObjectRef
    port: int | None = None
    """The port that the backendRef asked for; None where it asked for none."""
    written: Backend | Service
    endpoints: tuple[Endpoint, ...]


class AttachedRoute(Part):
    """A route as its author wrote it, with its age: of equal matches the oldest wins (Gateway API, HTTPRouteRule)."""

    route: HTTPRoute
    created_at: datetime


class GatewaySnapshot(Part):
    """The desired state of one gateway at one generation.

    `generation` grows by one with every change of the gateway or of anything attached to it; a runtime that holds
    generation N has accepted exactly this.
    """

    key: str
    """Names the gateway in file names, labels and units: `gw<id>`, unchanging and short."""
    generation: int
    gateway: Gateway
    routes: tuple[AttachedRoute, ...] = ()
    backends: tuple[ResolvedBackend, ...] = ()
    """One for each (kind, namespace, name, port) that a route names and that exists."""

    @property
    def ports(self) -> tuple[int, ...]:
        """The published ports, each once, ascending."""
        return tuple(sorted({listener.port for listener in self.gateway.spec.listeners}))

    @property
    def containers(self) -> tuple[str, ...]:
        """The users' containers that routes send traffic to, as `egx.dev/container` names them; each once, sorted."""
        return tuple(sorted({identity for backend in self.backends if (identity := identity_of(backend.written))}))
