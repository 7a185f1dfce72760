"""`egx backup`"""

from __future__ import annotations

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output

WHOLE_SECONDS = 3600.0
"""A large database takes its time."""


@click.command()
@click.argument("gateway", required=False)
@click.option("--all", "everything", is_flag=True, help="The whole instance: its database and its own key.")
@click.option("--reason", default="", help="What it is for; shown in lists.")
@json_option
@pass_output
def backup(output: Output, *, gateway: str | None, everything: bool, reason: str) -> None:
    """Put away what is desired of GATEWAY, with its policy and the engine that serves it; or, with --all, all of EGX.

    `egx restore` brings it back; `egx get backups` lists them.
    """
    if everything == bool(gateway):
        raise click.UsageError("say which gateway, or --all for the whole instance")
    with connect() as client:
        if gateway:
            namespace, name = split_name(gateway)
            made = client.post(path_of("gateways", name, "backup"), {"reason": reason}, {"namespace": namespace})
        else:
            made = client.post("/backups", {"reason": reason}, seconds=WHOLE_SECONDS)
    if output.json:
        output.document(made)
    else:
        what = f"gateway {made.get('gateway')}" if gateway else "the whole instance"
        output.line(f"backup {made.get('id')} of {what}, {made.get('size')} bytes")
