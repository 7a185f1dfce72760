"""`egx doctor`"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import BadInputError
from egx_project.settings.location import data_dir

if TYPE_CHECKING:
    from updates.services.inventory import Finding


@click.command()
@click.option("--repair", is_flag=True, help="Make the catalogue of backups what the disk says, and clear leftovers.")
@json_option
@pass_output
def doctor(output: Output, *, repair: bool) -> None:
    """Look whether the backups on the disk and their catalogue say the same, whether EGX runs or not.

    Exits 1 where something is not as it should be.
    """
    found, repaired = _examine(repair=repair)
    if output.json:
        output.document({"findings": [asdict(one) for one in found], "repaired": [asdict(one) for one in repaired]})
    for one in repaired:
        output.line(f"repaired: {one.message}")
    for one in found:
        output.line(one.message)
    if not found:
        output.line("all is well")
    elif not output.json and not repair:
        output.note("egx: `egx doctor --repair` puts right what can be")
    if found:
        raise click.exceptions.Exit(1)


def _examine(*, repair: bool) -> tuple[list[Finding], list[Finding]]:
    """What is wrong now, and what was until it was repaired."""
    home = data_dir()
    if not home.is_dir():
        raise BadInputError(f"there is no data directory {home}", hint="`egx up` makes one; EGX_DATA_DIR names it")
    from egx_project.embedded.django_here import set_up_django

    set_up_django()
    from django.db import DatabaseError

    from egx_project.embedded import preparation
    from updates.services import backups, inventory

    preparation.require_database()
    try:
        before = inventory.findings()
        if not repair:
            return before, []
        backups.recatalogue()
        after = inventory.findings()
    except DatabaseError as error:
        raise BadInputError(
            f"the database cannot be used: {error}", hint="`egx up` says why, and what to do"
        ) from error
    return after, [one for one in before if one not in after]
