"""`egx status`"""

from __future__ import annotations

from typing import Any

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.listings import table_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output


@click.command()
@click.argument("gateway", required=False)
@json_option
@pass_output
def status(output: Output, *, gateway: str | None) -> None:
    """Show how EGX and its gateways are, or one GATEWAY in detail.

    Exits 3 when EGX is not running here.
    """
    with connect() as client:
        if gateway is None:
            answer = client.get("/status")
        else:
            namespace, name = split_name(gateway)
            answer = client.get(path_of("gateways", name), {"namespace": namespace})
    if output.json:
        output.document(answer)
    elif gateway is None:
        _print_egx(output, answer)
    else:
        _print_gateway(output, answer)


def _print_egx(output: Output, answer: dict[str, Any]) -> None:
    output.line(f"EGX {answer.get('version', '')} is running (pid {answer.get('pid')}, node {answer.get('node')})")
    output.line(f"dashboard  {answer.get('url')}")
    output.line(f"data       {answer.get('data_dir')}")
    output.line()
    gateways = answer.get("gateways") or []
    if gateways:
        output.table(table_of("gateways", gateways))
    else:
        output.line("no gateways yet: `egx apply -f FILE` makes one")


def _print_gateway(output: Output, answer: dict[str, Any]) -> None:
    output.line(f"gateway {answer.get('namespace')}/{answer.get('name')}: {answer.get('state')}")
    if message := answer.get("message"):
        output.line(f"  {message}")
    output.line(f"  target      {answer.get('target')}, class {answer.get('class')}")
    output.line(f"  addresses   {', '.join(answer.get('addresses') or []) or 'none yet'}")
    output.line(f"  generation  {answer.get('applied_generation')} serves, {answer.get('generation')} is wanted")
    for part in ("listeners", "slots"):
        if rows := answer.get(part):
            output.line()
            output.table(table_of(part, rows))
    if operation := answer.get("operation"):
        output.line()
        output.line(f"operation {operation} is under way: `egx op follow {operation}`")
