"""What an earlier EGX put away comes back with this one."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from egx_project.settings.location import socket_path
from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, backend_process, get, is_listening, quiet_port
from tests.updates.earlier import EarlierEgx, check_out, earlier_commit, install


def door(egx: Egx) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(socket_path(egx.home)))
    return httpx.Client(transport=transport, base_url="http://egx/api/v1", timeout=60)


@pytest.mark.envoy
def test_a_gateway_that_an_earlier_commit_backed_up_answers_again(tmp_path: Path) -> None:
    """The first commit that made backups runs from a tree of its own, as its own processes over its own data.

    Its interpreter is one with exactly what its own lock says where that can be installed here, else
    the one that runs the tests, with the old tree before everything else on its path.
    """
    commit, tree, port = earlier_commit(), tmp_path / "tree", quiet_port()
    check_out(commit, tree)
    with backend_process("own") as backend:
        with EarlierEgx(tree, install(tree)) as earlier:
            assert earlier.code().is_relative_to(tree)
            earlier.do("up", "-d", "--no-demo")
            wanted = gateway_yaml(ports=(port,)) + route_yaml(path="/shop", backend_port=backend)
            earlier.do("apply", "-f", "-", stdin=wanted)
            assert get(port, "/shop").json["instance"] == "own"
            key = earlier.do("backup", "web", "--json").json["id"]
            with door(earlier) as client:
                packed = client.get(f"/backups/{key}/download")
                assert packed.is_success, packed.text
            desired = earlier.everything()["manifests"]
        assert not is_listening(port)

        with Egx() as egx:
            egx.do("up", "-d", "--no-demo")
            with door(egx) as client:
                taken_in = client.post(
                    "/backups/upload", content=packed.content, headers={"content-type": "application/gzip"}
                )
            assert (taken_in.status_code, taken_in.json()["id"]) == (201, key)
            egx.do("restore", key)
            assert get(port, "/shop").json["instance"] == "own"
            assert egx.everything()["manifests"] == desired
