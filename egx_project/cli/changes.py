"""What apply, delete and the gateway commands have in common: a change was taken, and now it is watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from egx_project.cli.answers import Changed, Operation, has_ended, title_of
from egx_project.cli.client import Client
from egx_project.cli.follow import follow
from egx_project.cli.output import Output, object_name, problem_line

F = TypeVar("F", bound=Callable[..., Any])

_DONE = {"create": "created", "update": "changed", "delete": "deleted", "unchanged": "unchanged"}
_PLANNED = {"create": "would be created", "update": "would be changed", "delete": "would be deleted"}


def waiting_options(command: F) -> F:
    """`--no-wait` and `--timeout`, given to the command as `wait` and `timeout`."""
    command = click.option(
        "--timeout",
        type=click.FloatRange(min=0, max=86_400),
        metavar="SECONDS",
        help="Stop waiting after so long; the operation goes on, the exit code is 1.",
    )(command)
    return click.option(
        "--wait/--no-wait",
        default=True,
        help="Wait for the operations to end (the default), or only start them.",
    )(command)


def print_changes(output: Output, changed: Changed, *, planned: bool = False) -> None:
    if output.json:
        return
    for warning in changed.get("warnings") or []:
        output.note(problem_line({**warning, "severity": "warning"}))
    words = _DONE | _PLANNED if planned else _DONE
    for change in changed.get("changes") or []:
        action = change.get("action", "")
        name = object_name(change.get("kind", ""), change.get("namespace", ""), change.get("name", ""))
        output.line(f"{name} {words.get(action, action)}")
    if not changed.get("changes"):
        output.line("nothing to change")


def watch(
    client: Client, output: Output, operations: list[Operation], *, wait: bool, timeout: float | None
) -> list[Operation]:
    """The operations as they ended; with no `wait`, as they began."""
    if wait:
        return follow(client, output, operations, timeout=timeout)
    for operation in operations:
        output.line(f"{title_of(operation)} {operation.get('state', '')}: `egx op follow {operation.get('id')}`")
    return operations


def finish(output: Output, document: object, operations: list[Operation], *, wait: bool) -> None:
    """The result, and exit code 1 unless every operation that was waited for is done."""
    if output.json:
        output.document(document)
    if not wait:
        return
    for operation in operations:
        if has_ended(operation):
            tell_end(output, operation)
    if any(operation.get("state") != "done" for operation in operations):
        click.get_current_context().exit(1)


def tell_end(output: Output, operation: Operation) -> None:
    """How it ended, and for what did not end well: why, and what to do."""
    state = operation.get("state", "")
    output.line(f"{title_of(operation)} {state.replace('_', ' ')}")
    if state == "done" or output.json:
        return
    if error := operation.get("error"):
        output.note(f"  {error}")
    if hint := operation.get("hint"):
        output.note(f"  {hint}")
    output.note(f"  `egx op show {operation.get('id')}` shows every step")
