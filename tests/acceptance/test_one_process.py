"""The whole life of a gateway, over HTTP, where all of EGX is one process over SQLite."""

from __future__ import annotations

from tests.acceptance.flow import Script, live
from tests.e2e.running import Egx, quiet_port


def test_a_gateway_is_made_changed_watched_and_removed(shared: Egx, backend: int) -> None:
    token = shared.do("token", "create", "acceptance", "--role", "operator", "--json").json["token"]
    script = Script([f"http://localhost:{shared.port}"], token)
    live(script, port=quiet_port(), backend_port=backend)
    script.close()
