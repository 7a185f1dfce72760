"""The API as a test asks it, in this process."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from egx_project.access import people

API = "/api/v1"


class Api:
    """As the owner, logged in."""

    def __init__(self) -> None:
        self.client = Client()
        self.client.force_login(people.owner())

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"{API}{path}", headers=_named(headers))

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            f"{API}{path}",
            b"" if body is None else _json(body),
            content_type="application/json",
            headers=_named(headers),
        )

    def items(self, path: str) -> list[dict[str, Any]]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


def gateway(name: str = "web", *, port: int = 8080, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, **metadata},
        "spec": {
            "gatewayClassName": "egx",
            "listeners": [{"name": "http", "port": port, "protocol": "HTTP"}],
        },
    }


def route(name: str = "web", *, gateway: str = "web", path: str = "/", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, **metadata},
        "spec": {
            "parentRefs": [{"name": gateway}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                    "backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "web"}],
                }
            ],
        },
    }


def backend(name: str = "web", *, port: int = 9000) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "Backend",
        "metadata": {"name": name},
        "spec": {"endpoints": [{"ip": {"address": "127.0.0.1", "port": port}}]},
    }
