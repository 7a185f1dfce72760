"""What `egx restore` asks the EGX that runs, for the backup of a gateway."""

from __future__ import annotations

from egx_project.cli.changes import finish, watch
from egx_project.cli.client import connect, path_of
from egx_project.cli.commands.update import summary
from egx_project.cli.output import Output


def restore_gateway(output: Output, backup: str, *, wait: bool, timeout: float | None) -> None:
    """Ask for it, and show what comes of it."""
    with connect() as client:
        answer = client.post(path_of("backups", backup, "restore"))
        operations = watch(client, output, answer.get("operations") or [], wait=wait, timeout=timeout)
    finish(output, summary(operations[0]), operations, wait=wait)
