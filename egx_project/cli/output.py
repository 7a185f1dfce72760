"""Where things are said: one JSON document or text on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from egx_project.cli.errors import ErrorReport
from egx_project.cli.tables import Table

F = TypeVar("F", bound=Callable[..., Any])

# What a terminal would take as a command, in texts that come from manifests and engines.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    return text.translate(_CONTROLS)


class Output:
    """How this run of `egx` speaks."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json

    def document(self, value: object) -> None:
        """The one JSON document of this run."""
        click.echo(json.dumps(value, indent=2))

    def line(self, text: str = "") -> None:
        """A result for people."""
        if not self.json:
            click.echo(printable(text))

    def table(self, table: Table) -> None:
        if self.json:
            return
        if sys.stdout.isatty():
            from egx_project.cli.terminal import print_table

            print_table(table)
        else:
            click.echo(printable(table.plain()))

    def note(self, text: str) -> None:
        """Something beside the result: progress, a warning."""
        click.echo(printable(text), err=True)

    def error(self, report: ErrorReport) -> None:
        if self.json:
            self.document(report.document())
            return
        for problem in report.problems:
            self.note(problem_line(problem))
        self.note(f"egx: {report.detail}" + (f"\n  {report.hint}" if report.hint else ""))


def problem_line(problem: Mapping[str, Any]) -> str:
    """`file:line: Kind name: spec.path: message (hint)`, as editors and people jump to it."""
    source, line = problem.get("source") or "", problem.get("line") or 0
    place = f"{source}:{line}" if source and line else source
    head = [place, _ref(problem.get("ref")), problem.get("field") or ""]
    if problem.get("severity") == "warning":
        head.append("warning")
    hint = problem.get("hint")
    return ": ".join([*(part for part in head if part), str(problem.get("message", ""))]) + (
        f" ({hint})" if hint else ""
    )


def object_name(kind: str, namespace: str, name: str) -> str:
    place = "" if namespace in {"", "default"} else f"{namespace}/"
    return f"{kind} {place}{name}"


def _ref(ref: object) -> str:
    if isinstance(ref, Mapping):
        return object_name(ref.get("kind", ""), ref.get("namespace", ""), ref.get("name", ""))
    return str(ref) if ref else ""


def _choose_json(context: click.Context, _: click.Parameter, chosen: bool) -> None:  # noqa: FBT001
    if chosen:
        context.ensure_object(Output).json = True


def json_option(command: F) -> F:
    """`--json`, for the group and for each command: it works before and after the command's name."""
    return click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_choose_json,
        help="Print one JSON document on stdout.",
    )(command)


pass_output = click.make_pass_decorator(Output, ensure=True)
