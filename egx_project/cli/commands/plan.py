"""`egx plan`"""

from __future__ import annotations

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.argument("gateway")
@click.option("--to", "version", metavar="VERSION", help="Plan an update of the engine to this version.")
@click.option("--back", is_flag=True, help="Plan a rollback to the engine before.")
@json_option
@pass_output
def plan(output: Output, *, gateway: str, version: str | None, back: bool) -> None:
    """Show the steps that bring GATEWAY to its desired state, each with its cause. Changes nothing."""
    namespace, name = split_name(gateway)
    with connect() as client:
        asked = {"namespace": namespace, "to": version, "back": "true" if back else None}
        answer = client.get(path_of("gateways", name, "plan"), asked)
    if output.json:
        output.document(answer)
    elif answer.get("steps"):
        output.line(str(answer.get("text", "")).rstrip("\n"))
    else:
        output.line(f"gateway {answer.get('gateway', gateway)}: nothing to do")
