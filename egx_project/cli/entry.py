"""From the arguments to the exit code: whatever happens inside is told in the way the caller asked for."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from egx_project.cli.app import cli
from egx_project.cli.errors import INTERRUPTED, ErrorReport, report_of
from egx_project.cli.output import Output
from egx_project.lib.errors import EgxError
from egx_project.settings.location import debug

FAILED = 1


def run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    output = Output(json=_asks_json(arguments))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a name or a message has and the terminal's encoding has not is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _invoke(arguments, output)
    except BrokenPipeError:
        # The reader has gone (`egx get events | head`); the interpreter flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _invoke(arguments: list[str], output: Output) -> int:
    try:
        code = cli.main(arguments, prog_name="egx", standalone_mode=False, obj=output)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        return _usage(error, output)
    except EgxError as error:
        report = report_of(error)
    except click.Abort:
        report = ErrorReport(title="Interrupted", detail="interrupted", exit_code=INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  the last resort: a user gets a sentence, never a traceback
        report = _unexpected(error)
    output.error(report)
    return report.exit_code


def _usage(error: click.ClickException, output: Output) -> int:
    if not output.json:
        error.show()
    else:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f"`{context.command_path} --help` explains it" if context else ""
        # Without a subcommand click's message is the whole help page.
        is_help = isinstance(error, click.exceptions.NoArgsIsHelpError)
        detail = "a command is missing" if is_help else error.format_message()
        output.error(ErrorReport(title="Bad input", detail=detail, hint=hint, status=400, exit_code=2))
    return error.exit_code


def _unexpected(error: Exception) -> ErrorReport:
    hint = "EGX_DEBUG=1 shows the traceback"
    if debug():
        import traceback

        traceback.print_exception(error, file=sys.stderr)
        hint = ""
    said = " ".join(str(error).split())
    return ErrorReport(
        title="Unexpected error",
        detail=f"{type(error).__name__}: {said}" if said else type(error).__name__,
        hint=hint,
    )


def _asks_json(arguments: list[str]) -> bool:
    """Known before click parses: a usage error has to be JSON, too."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options
