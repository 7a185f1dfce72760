"""`egx backup`"""

from __future__ import annotations

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.argument("gateway")
@click.option("--reason", default="", help="What it is for; shown in lists.")
@json_option
@pass_output
def backup(output: Output, *, gateway: str, reason: str) -> None:
    """Put away what is desired of GATEWAY, with its policy and the engine that serves it.

    `egx restore` brings it back; `egx get backups` lists them.
    """
    namespace, name = split_name(gateway)
    with connect() as client:
        made = client.post(path_of("gateways", name, "backup"), {"reason": reason}, {"namespace": namespace})
    if output.json:
        output.document(made)
    else:
        output.line(f"backup {made.get('id')} of gateway {made.get('gateway')}, {made.get('size')} bytes")
