"""`egx restore`: of a gateway by the EGX that runs, of the whole instance while none does."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from egx_project.cli.changes import waiting_options
from egx_project.cli.commands.restore import restore_gateway
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import EgxError
from egx_project.settings.location import data_dir


@click.command()
@click.argument("backup")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@waiting_options
@json_option
@pass_output
def restore(output: Output, *, backup: str, yes: bool, wait: bool, timeout: float | None) -> None:
    """Bring back what BACKUP has.

    Of a gateway: as it was desired, on the engine that served it. One that is gone is made anew, and what is there
    now is backed up first.

    Of the whole instance: everything, and only while EGX is stopped. What is here now is kept under another name;
    the next `egx up` brings gateways in line. Asks first on a terminal.
    """
    from egx_project.embedded import offline

    home = data_dir()
    if offline.is_of_the_instance(home, backup):
        _restore_instance(output, home, backup, yes=yes)
    else:
        restore_gateway(output, backup, wait=wait, timeout=timeout)


def _restore_instance(output: Output, home: Path, backup: str, *, yes: bool) -> None:
    from egx_project.embedded import offline

    if not yes and sys.stdin.isatty():
        _confirm(backup)
    done = offline.restore(home, backup)
    if output.json:
        output.document({"restored": done.backup, "kept": done.aside, "secret_key": done.key})
    output.line(f"EGX is as in backup {done.backup}; `egx up` starts it, and brings gateways in line")
    if done.aside:
        output.line(f"what was there is kept as {done.aside}")
    if not done.key:
        output.note("egx: its own key did not come back (none in the backup, or no EGX_BACKUP_PASSPHRASE)")


def _confirm(backup: str) -> None:
    what = "What changed since is put aside, and gateways that were made since are stopped."
    if not click.confirm(f"{what} Put all of EGX back to {backup}?", err=True):
        raise EgxError("nothing was restored")
