"""What cannot be applied is said with its file, line or path and what to do; exit 2, and nothing has changed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, get, quiet_port
from tests.load import Load

BAD_INPUT = 2
LARGE = 10 * 1024 * 1024
OWN_ROUTE = route_yaml("own", gateway="served", path="/own", with_backend=False)
ALIAS_BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
POLICY = """\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {name: guard}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: served}]}
"""


def changed(old: str, new: str, text: str = OWN_ROUTE) -> str:
    assert old in text
    return text.replace(old, new)


BAD = {
    "unknown field": (
        changed("parentRefs", "parentRef"),
        ("bad.yaml:6", "HTTPRoute own", "spec.parentRef", "parentRefs"),
    ),
    "wrong kind": (changed("kind: HTTPRoute", "kind: HttpRoute"), ("bad.yaml:3", "HTTPRoute")),
    "wrong kind of value": (changed("value: /own", "value: [1]"), ("bad.yaml:8", "matches[0].path.value")),
    "no YAML": (changed("spec:", "spec: ]"), ("bad.yaml:5",)),
    "10 MB": ("# " + "x" * LARGE, ("larger than 4 MiB", "bad.yaml", "apply them in parts")),
    "alias bomb": (ALIAS_BOMB, ("bad.yaml",)),
    "bad regular expression": (
        changed("type: PathPrefix, value: /own", "type: RegularExpression, value: '/(own'"),
        ("bad.yaml:8", "HTTPRoute own", "matches[0].path", "RE2"),
    ),
    "unknown backend": (
        changed("name: web}]", "name: nowhere}]"),
        ("bad.yaml:9", "HTTPRoute own", "there is no Backend", "nowhere", "apply the Backend"),
    ),
    "unknown gateway": (changed("name: served", "name: gone"), ("bad.yaml:6", "there is no Gateway", "gateways known")),
    "conflicting routes": (changed("/own", "/"), ("bad.yaml:8", "HTTPRoute own", "same match", "change the match")),
    "unsupported feature": (
        changed(
            "      backendRefs",
            "      sessionPersistence: {sessionName: a}\n      backendRefs",
        ),
        ("bad.yaml:9", "HTTPRoute own", "sessionPersistence"),
    ),
    "unsupported kind": (POLICY, ("bad.yaml:1", "SecurityPolicy guard", "not supported on process targets", "docker")),
}


@pytest.fixture(scope="module")
def served(shared: Egx, backend: int) -> Iterator[int]:
    """The port of a gateway that serves, beside which bad things are asked for."""
    port = quiet_port()
    shared.do(
        "apply",
        "-f",
        "-",
        stdin=gateway_yaml("served", ports=(port,)) + route_yaml("served", gateway="served", backend_port=backend),
    )
    yield port
    shared.do("remove", "served")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_manifest_is_told_with_its_place_and_changes_nothing(
    shared: Egx, served: int, tmp_path: Path, name: str
) -> None:
    text, told = BAD[name]
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    before = shared.everything()
    said = shared.run("apply", "-f", str(file))
    assert said.code == BAD_INPUT
    assert said.out == ""
    for part in told:
        assert part in said.err
    assert "Traceback" not in said.err
    assert shared.everything() == before


def test_a_privileged_port_is_refused(egx: Egx) -> None:
    egx.give_up_privileges()
    egx.do("up", "-d", "--no-demo")
    said = egx.run("apply", "-f", "-", "--json", stdin=gateway_yaml(ports=(1009,)))
    assert said.code == BAD_INPUT
    problem = said.json["error"]["problems"][0]
    assert (problem["line"], problem["field"]) == (6, "spec.listeners[0].port")
    assert "port 1009 on 127.0.0.1 is privileged" in problem["message"]
    assert problem["hint"] == "use a port of 1024 or more"


def test_a_port_of_another_gateway_is_refused_by_its_name(shared: Egx, served: int) -> None:
    said = shared.run("apply", "-f", "-", "--json", stdin=gateway_yaml("second", ports=(quiet_port(), served)))
    assert said.code == BAD_INPUT
    problem = said.json["error"]["problems"][0]
    assert (problem["source"], problem["field"]) == ("stdin", "spec.listeners[1].port")
    assert f"port {served} of target local belongs to" in problem["message"]
    assert "use another port" in problem["hint"]


def test_a_port_that_another_process_has_is_refused_by_its_name(shared: Egx, backend: int, served: int) -> None:
    port = quiet_port()
    wanted = gateway_yaml("late", ports=(port,)) + route_yaml("late", gateway="late", backend_port=backend)
    before = shared.everything()
    with closing(socket.create_server(("127.0.0.1", port))):
        said = shared.run("apply", "-f", "-", "--json", stdin=wanted)
    assert said.code == BAD_INPUT
    problem = said.json["error"]["problems"][0]
    assert (problem["line"], problem["field"]) == (6, "spec.listeners[0].port")
    assert f"port {port} on 127.0.0.1 is in use by" in problem["message"]
    assert "another port" in problem["hint"]
    assert shared.everything() == before

    shared.do("apply", "-f", "-", stdin=wanted)  # it is free now, so the same again serves
    assert get(port).json["instance"] == "own"
    shared.do("remove", "late")


def test_a_listener_on_a_port_that_another_process_has_is_refused_and_the_rest_serves_on(
    shared: Egx, backend: int
) -> None:
    port, other = quiet_port(), quiet_port()
    route = route_yaml("wide", gateway="wide", backend_port=backend)
    shared.do("apply", "-f", "-", stdin=gateway_yaml("wide", ports=(port,)) + route)
    before = shared.everything()
    with closing(socket.create_server(("127.0.0.1", other))), Load(port) as load:
        said = shared.run("apply", "-f", "-", "--json", stdin=gateway_yaml("wide", ports=(port, other)))
    assert said.code == BAD_INPUT
    assert f"port {other} on 127.0.0.1 is in use by" in said.json["error"]["problems"][0]["message"]
    assert (load.failures, load.answered > 0) == ([], True)
    assert shared.everything() == before
    shared.do("remove", "wide")
