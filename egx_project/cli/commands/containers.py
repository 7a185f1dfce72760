"""`egx containers`"""

from __future__ import annotations

import click

from egx_project.cli.client import connect
from egx_project.cli.listings import table_of
from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.option("--target", metavar="TARGET", help="Whose containers (see `egx get targets`).")
@json_option
@pass_output
def containers(output: Output, *, target: str | None) -> None:
    """List the containers of this machine that a gateway could send traffic to, and those that one does.

    OFFERED is what a container's labels ask for: `egx.route.path`, and beside it `.host`, `.port` and `.gateway`.
    """
    with connect() as client:
        found = client.get("/containers", {"target": target})
    if output.json:
        output.document(found)
        return
    items = found.get("items") or []
    if items:
        output.table(table_of("containers", items))
    else:
        output.note("no containers")
    for item in items:
        for problem in item.get("problems") or []:
            output.note(problem)
