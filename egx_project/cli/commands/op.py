"""`egx op`"""

from __future__ import annotations

from typing import cast

import click

from egx_project.cli.answers import Operation, has_ended, title_of
from egx_project.cli.changes import finish, tell_end, waiting_options, watch
from egx_project.cli.client import connect, path_of
from egx_project.cli.listings import table_of
from egx_project.cli.output import Output, json_option, pass_output


@click.group()
@json_option
def op() -> None:
    """The journal of an operation: show, follow, cancel, resume. `egx get operations` lists them."""


@op.command()
@click.argument("number", metavar="ID")
@json_option
@pass_output
def show(output: Output, *, number: str) -> None:
    """Show every step of operation ID.

    With its cause and how it went. Exits 0 however the operation ended; `follow` tells by the exit code.
    """
    with connect() as client:
        operation = cast("Operation", client.get(path_of("operations", number)))
    if output.json:
        output.document(operation)
        return
    attempt = operation.get("attempt") or 0
    output.line(f"{title_of(operation)}: {operation.get('state')}" + (f" (attempt {attempt})" if attempt > 1 else ""))
    for label, moment in (
        ("asked", operation.get("created_at")),
        ("started", operation.get("started_at")),
        ("ended", operation.get("finished_at")),
    ):
        if moment:
            output.line(f"  {label.ljust(7)}  {moment}")
    for text in (operation.get("error"), operation.get("hint")):
        if text:
            output.line(f"  {text}")
    if steps := operation.get("steps"):
        output.line()
        output.table(table_of("steps", [dict(step) for step in steps]))


@op.command()
@click.argument("number", metavar="ID")
@click.option("--timeout", type=click.FloatRange(min=0, max=86_400), metavar="SECONDS", help="Follow for so long.")
@json_option
@pass_output
def follow(output: Output, *, number: str, timeout: float | None) -> None:
    """Watch operation ID to its end.

    Exits 1 unless it ends done. Ctrl-C ends only the watching.
    """
    with connect() as client:
        operation = cast("Operation", client.get(path_of("operations", number)))
        operations = watch(client, output, [operation], wait=True, timeout=timeout)
    finish(output, operations[0], operations, wait=True)


@op.command()
@click.argument("number", metavar="ID")
@waiting_options
@json_option
@pass_output
def resume(output: Output, *, number: str, wait: bool, timeout: float | None) -> None:
    """Let operation ID go on where it stopped.

    And watch it to its end, unless --no-wait.
    """
    with connect() as client:
        operation = cast("Operation", client.post(path_of("operations", number, "resume")))
        operations = watch(client, output, [operation], wait=wait, timeout=timeout)
    finish(output, operations[0], operations, wait=wait)


@op.command()
@click.argument("number", metavar="ID")
@waiting_options
@json_option
@pass_output
def cancel(output: Output, *, number: str, wait: bool, timeout: float | None) -> None:
    """Cancel operation ID.

    It stops at the next step, and what it began is undone. Exits 0 once it is rolled back,
    1 if it had already got to its end or could not be undone.
    """
    with connect() as client:
        operation = cast("Operation", client.post(path_of("operations", number, "cancel")))
        (ended,) = watch(client, output, [operation], wait=wait, timeout=timeout)
    if output.json:
        output.document(ended)
    elif wait and has_ended(ended):
        tell_end(output, ended)
    if wait and ended.get("state") != "rolled_back":
        click.get_current_context().exit(1)
