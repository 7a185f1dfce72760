"""`egx remove`"""

from __future__ import annotations

import sys
from typing import Any

import click

from egx_project.cli.changes import finish, waiting_options, watch
from egx_project.cli.client import connect, path_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import EgxError


@click.command()
@click.argument("gateway")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@waiting_options
@json_option
@pass_output
def remove(output: Output, *, gateway: str, yes: bool, wait: bool, timeout: float | None) -> None:
    """Stop GATEWAY and remove it.

    Asks first on a terminal.
    """
    namespace, name = split_name(gateway)
    with connect() as client:
        if not yes and sys.stdin.isatty():
            _confirm(client.get(path_of("gateways", name), {"namespace": namespace}))
        answer = client.delete(path_of("gateways", name), {"namespace": namespace})
        operations = watch(client, output, answer.get("operations") or [], wait=wait, timeout=timeout)
    finish(output, {"operations": operations}, operations, wait=wait)


def _confirm(found: dict[str, Any]) -> None:
    addresses = ", ".join(found.get("addresses") or [])
    serving = f", which serves {addresses}" if addresses else ""
    if not click.confirm(f"Remove gateway {found.get('namespace')}/{found.get('name')}{serving}?", err=True):
        raise EgxError("nothing was removed")
