"""`egx logs`"""

from __future__ import annotations

import json
import time
from typing import Any

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import BadInputError

LOOK_SECONDS = 1.0
PAGE = 1000


@click.group()
@json_option
def logs() -> None:
    """Read what gateways say."""


@logs.command()
@click.argument("gateway")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--since", metavar="WHEN", help="From then on: 10m, 2h, 1d, or a moment. Else the last lines.")
@click.option("--access", is_flag=True, help="Only requests.")
@click.option("--engine", is_flag=True, help="Only what engines say.")
@click.option("--lines", type=click.IntRange(1, PAGE), default=200, show_default=True, help="How many of the last.")
@json_option
@pass_output
def show(
    output: Output, *, gateway: str, follow: bool, since: str | None, access: bool, engine: bool, lines: int
) -> None:
    """Show the logs of GATEWAY, oldest first: what its engines say, and a line of JSON for each request."""
    if access and engine:
        raise BadInputError("--access and --engine are both given", hint="give one, or none for both kinds")
    if follow and output.json:
        raise BadInputError("--follow has no end, so it is no one JSON document", hint="leave --json or --follow out")
    namespace, name = split_name(gateway)
    kind = "access" if access else "engine" if engine else None
    asked: dict[str, str | int | None] = {"namespace": namespace, "kind": kind}
    found: list[dict[str, Any]] = []
    with connect() as client:
        path = path_of("gateways", name, "logs")
        page = client.get(path, {**asked, "since": since, "limit": PAGE if since else lines})
        while True:
            found += _told(output, page["items"])
            if not (follow or page["more"]):
                break
            if not page["more"]:
                time.sleep(LOOK_SECONDS)
            page = client.get(path, {**asked, "after": page["after"], "limit": PAGE})
    if output.json:
        output.document({"items": found})


def _told(output: Output, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Said line by line; for one JSON document, kept, with requests as what they are."""
    if not output.json:
        for item in items:
            output.line(f"{item['at'][:23]}Z {item['source']:<10} {item['text']}")
        return []
    return [{**item, "request": _request(item)} if item["kind"] == "access" else item for item in items]


def _request(item: dict[str, Any]) -> object:
    try:
        return json.loads(item["text"])
    except ValueError:
        return None
