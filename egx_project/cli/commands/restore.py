"""`egx restore`"""

from __future__ import annotations

import click

from egx_project.cli.changes import finish, waiting_options, watch
from egx_project.cli.client import connect, path_of
from egx_project.cli.commands.update import summary
from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.argument("backup")
@waiting_options
@json_option
@pass_output
def restore(output: Output, *, backup: str, wait: bool, timeout: float | None) -> None:
    """Bring back what BACKUP has: its gateway as it was desired, on the engine that served it.

    A gateway that is gone is made anew. What is there now is backed up first.
    """
    with connect() as client:
        answer = client.post(path_of("backups", backup, "restore"))
        operations = watch(client, output, answer.get("operations") or [], wait=wait, timeout=timeout)
    finish(output, summary(operations[0]), operations, wait=wait)
