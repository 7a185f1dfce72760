"""Own gateways through the command line: what it says is so, and its exit codes are a contract (design, section 10)."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, get, is_listening, quiet_port, streaming

FAILED, BAD_INPUT, NOT_REACHABLE, REFUSED = 1, 2, 3, 4


def test_an_own_gateway_and_route_serve_an_own_backend_until_they_are_removed(
    shared: Egx, backend: int, tmp_path: Path
) -> None:
    port, file = quiet_port(), tmp_path / "web.yaml"
    file.write_text(gateway_yaml(ports=(port,)) + route_yaml(backend_port=backend))

    planned = shared.do("apply", "-f", str(file), "--dry-run", "--json").json
    assert [change["action"] for change in planned["changes"]] == ["create"] * 3
    assert "start_new" in planned["plans"][0]["text"]
    assert not is_listening(port)
    assert shared.run("status", "web").code == BAD_INPUT

    said = shared.do("apply", "-f", str(file))
    assert "Gateway web created" in said.out
    assert get(port).json["instance"] == "own"

    again = shared.do("apply", "-f", str(file), "--json").json
    assert {change["action"] for change in again["changes"]} == {"unchanged"}
    assert again["operations"] == []

    removed = shared.do("remove", "web", "--json").json
    assert removed["operations"][0]["state"] == "done"
    assert not is_listening(port)
    assert shared.run("get", "gateway", "web").code == BAD_INPUT


def test_what_the_commands_tell_is_what_is_there_for_people_and_for_scripts(shared: Egx, backend: int) -> None:
    port = quiet_port()
    written = gateway_yaml("told", ports=(port,)) + route_yaml("told", gateway="told", backend_port=backend)
    applied = shared.run("apply", "-f", "-", "--json", stdin=written)
    operation = applied.json["operations"][0]
    assert (applied.code, operation["state"]) == (0, "done")

    status = shared.do("status", "--json").json
    assert (status["pid"], status["url"]) == (shared.pid(), f"http://localhost:{shared.port}")
    assert status["data_dir"] == str(shared.home)
    assert f"pid {shared.pid()}" in shared.do("status").out

    gateway = shared.do("status", "told", "--json").json
    assert gateway == shared.do("get", "gateway", "told", "--json").json
    assert (gateway["state"], gateway["addresses"]) == ("serving", [f"http://localhost:{port}"])
    assert gateway["generation"] == gateway["applied_generation"] == 1
    assert [(slot["name"], slot["state"]) for slot in gateway["slots"]] == [("blue", "serving")]
    assert "told" in shared.do("status", "told").out
    assert row("told", shared.do("get", "gateways").out)[1] == "serving"

    route = shared.do("get", "route", "told", "--json").json
    assert (route["kind"], route["gateways"]) == ("HTTPRoute", ["told"])
    assert row("HTTPRoute", shared.do("get", "routes").out)[1] == "told"
    assert [target["name"] for target in shared.do("get", "targets", "--json").json["items"]] == ["docker", "local"]

    assert shared.do("plan", "told", "--json").json["steps"] == []
    assert "nothing to do" in shared.do("plan", "told").out

    shown = shared.do("op", "show", str(operation["id"]), "--json").json
    assert shown == shared.do("get", "operation", str(operation["id"]), "--json").json
    assert (shown["kind"], shown["state"], shown["attempt"]) == ("deploy", "done", 1)
    assert {step["state"] for step in shown["steps"]} == {"done"}
    journal = shared.do("op", "show", str(operation["id"])).out
    assert all(step["name"] in journal and step["cause"] in journal for step in shown["steps"])
    assert shared.do("op", "follow", str(operation["id"]), "--json").json["state"] == "done"

    numbers = [event["number"] for event in shared.do("get", "events", "--json").json["items"]]
    assert numbers == sorted(set(numbers))

    exported = [shared.do("get", kind, "told", "-o", "yaml").out for kind in ("gateway", "route")]
    text = "---\n".join(exported)
    assert {document["kind"] for document in yaml.safe_load_all(text)} == {"Gateway", "HTTPRoute"}
    reapplied = shared.run("apply", "-f", "-", "--json", stdin=text).json
    assert {change["action"] for change in reapplied["changes"]} == {"unchanged"}

    shared.do("remove", "told")
    assert shared.ask("/gateways?name=told")["items"] == []


def row(first: str, table: str) -> list[str]:
    """The table's row that begins with this word."""
    return next(cells for line in table.splitlines() if (cells := line.split()) and cells[0] == first)


def test_a_second_lifecycle_operation_is_refused_with_the_name_of_the_first(shared: Egx, backend: int) -> None:
    port = quiet_port()
    written = gateway_yaml("busy", ports=(port,)) + route_yaml("busy", gateway="busy", backend_port=backend)
    shared.do("apply", "-f", "-", stdin=written)
    # Until its client has left or its grace is over, the removal is not finished.
    with streaming(port):
        first = shared.do("remove", "busy", "--no-wait", "--json").json["operations"][0]
        second = shared.run("remove", "busy", "--json")
    assert second.code == REFUSED
    assert f"operation {first['id']}" in second.json["error"]["detail"]
    assert shared.do("op", "follow", str(first["id"]), "--json").json["state"] == "done"
    assert shared.run("op", "cancel", str(first["id"])).code == REFUSED


def test_without_an_egx_commands_say_how_to_start_one(egx: Egx) -> None:
    for arguments in (["status"], ["get", "gateways"], ["remove", "web"], ["op", "show", "1"]):
        said = egx.run(*arguments)
        assert said.code == NOT_REACHABLE
        assert "egx up" in said.err
    assert egx.run("status", "--json").json["error"]["title"] == "Not reachable"
    assert egx.run("down").code == 0
    assert egx.run("get", "nonsense").code == BAD_INPUT
    assert egx.run("nonsense").code == BAD_INPUT
