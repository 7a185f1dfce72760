"""`egx rollback`"""

from __future__ import annotations

import click

from egx_project.cli.changes import finish, waiting_options, watch
from egx_project.cli.client import connect, path_of
from egx_project.cli.commands.update import summary
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.argument("gateway")
@click.option("--to", "backup", metavar="BACKUP", help="To what this backup has, not to the engine before.")
@waiting_options
@json_option
@pass_output
def rollback(output: Output, *, gateway: str, backup: str | None, wait: bool, timeout: float | None) -> None:
    """Bring GATEWAY back to the engine that served before the last change.

    At once while that one is still warm, else as an update is done. `egx plan GATEWAY --back` shows the steps.
    """
    namespace, name = split_name(gateway)
    with connect() as client:
        answer = client.post(path_of("gateways", name, "rollback"), {"to": backup or ""}, {"namespace": namespace})
        operations = watch(client, output, answer.get("operations") or [], wait=wait, timeout=timeout)
    finish(output, summary(operations[0]), operations, wait=wait)
