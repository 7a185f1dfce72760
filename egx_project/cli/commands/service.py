"""`egx service`"""

from __future__ import annotations

import time
from typing import Any

import click

from egx_project.cli.client import Client, connect, path_of
from egx_project.cli.listings import table_of
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import EgxError

TARGET = "docker"
LOOK_SECONDS = 0.3
STEADY = frozenset({"on", "off", "failed"})
PATIENCE_SECONDS = 600.0
"""For an image that comes by a slow line."""


def target_option(command: Any) -> Any:  # noqa: ANN401  as click's decorators have it
    return click.option("--target", metavar="TARGET", default=TARGET, show_default=True, help="Of which target.")(
        command
    )


@click.group()
@json_option
def service() -> None:
    """Support services of a target: a test backend, an agent for logs, Prometheus."""


@service.command(name="list")
@click.option("--target", metavar="TARGET", default=None, help="Of this target only.")
@json_option
@pass_output
def list_(output: Output, *, target: str | None) -> None:
    """List the support services, whether they are there and how they are."""
    with connect() as client:
        items = client.get("/services", {"target": target})["items"]
    if output.json:
        output.document({"items": items})
    elif items:
        output.table(table_of("services", items))
    else:
        output.note("no target has support services; those in Docker have")


@service.command()
@click.argument("name")
@target_option
@json_option
@pass_output
def start(output: Output, *, name: str, target: str) -> None:
    """Have the service NAME run, and go on running: test-backend, log-agent or prometheus."""
    _switch(output, name, target, on=True)


@service.command()
@click.argument("name")
@target_option
@json_option
@pass_output
def stop(output: Output, *, name: str, target: str) -> None:
    """Take the service NAME away; what it has gathered stays while the target has gateways."""
    _switch(output, name, target, on=False)


def _switch(output: Output, name: str, target: str, *, on: bool) -> None:
    path = path_of("services", target, name)
    with connect() as client:
        client.put(path, {"wanted": on})
        found = _settled(client, path)
    failed = found["state"] == "failed"
    if failed and not output.json:
        raise EgxError(f"{name} could not be {'started' if on else 'stopped'}: {found['problem']}", hint=_after(found))
    if output.json:
        output.document(found)
    if failed:
        raise SystemExit(1)
    if found["state"] not in STEADY:
        output.note(f"{name} is still {found['state']}; `egx service list` shows how it goes on")
    at = f" at {found['address']}" if found.get("address") else ""
    output.line(f"{name} is {found['state']}{at}")


def _after(found: dict[str, Any]) -> str:
    again = "EGX goes on trying; `egx service stop` ends that"
    return f"{found['hint']}; {again}" if found.get("hint") else again


def _settled(client: Client, path: str) -> dict[str, Any]:
    """The service once that has come to an end, or as it stands after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, Any] = client.get(path)
        if found["state"] in STEADY or time.monotonic() >= deadline:
            return found
        time.sleep(LOOK_SECONDS)
