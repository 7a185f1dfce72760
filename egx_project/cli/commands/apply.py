"""`egx apply`"""

from __future__ import annotations

import re
from typing import cast

import click

from egx_project.cli.answers import Changed
from egx_project.cli.changes import finish, print_changes, waiting_options, watch
from egx_project.cli.client import connect
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.cli.sources import read_sources

_SERVICE = re.compile(r"[^=\s]+=(\[[0-9a-fA-F:.]+\]|[^\s:=\[\]]+):[0-9]{1,5}")


def _services(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for service in given:
        if not _SERVICE.fullmatch(service):
            raise click.BadParameter(f"{service!r} is not NAME=HOST:PORT")
    return given


@click.command()
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    required=True,
    metavar="FILE|DIR|-",
    help="Manifests: a file, a folder with *.yaml, *.yml and *.json, or - for stdin. Repeatable.",
)
@click.option("-R", "--recursive", is_flag=True, help="Read folders to any depth.")
@click.option("--target", metavar="TARGET", help="Where new gateways run (see `egx get targets`).")
@click.option("--dry-run", is_flag=True, help="Print what would change and the plans; change nothing.")
@click.option(
    "--service",
    "services",
    multiple=True,
    callback=_services,
    metavar="NAME=HOST:PORT",
    help="Where a Service that routes refer to is found from here. Repeatable.",
)
@waiting_options
@json_option
@pass_output
def apply(
    output: Output,
    *,
    files: tuple[str, ...],
    recursive: bool,
    target: str | None,
    dry_run: bool,
    services: tuple[str, ...],
    wait: bool,
    timeout: float | None,
) -> None:
    """Make gateways and routes what Gateway API manifests say.

    Either everything in the manifests is taken, or, with a problem in any of them, nothing. Then egx waits
    until the gateways serve it.

    \b
      egx apply -f quickstart.yaml
      egx apply -f manifests/ --dry-run
      cat route.yaml | egx apply -f - --service web=127.0.0.1:8000
    """
    body = {
        "sources": read_sources(files, recursive=recursive),
        "services": list(services),
        "target": target,
        "dry_run": dry_run,
    }
    with connect() as client:
        changed = cast("Changed", client.post("/apply", body))
        print_changes(output, changed, planned=dry_run)
        if dry_run:
            _finish_dry_run(output, changed)
            return
        operations = watch(client, output, changed.get("operations") or [], wait=wait, timeout=timeout)
    document = {
        "changes": changed.get("changes") or [],
        "warnings": changed.get("warnings") or [],
        "operations": operations,
    }
    finish(output, document, operations, wait=wait)


def _finish_dry_run(output: Output, changed: Changed) -> None:
    if output.json:
        output.document(changed)
    for plan in changed.get("plans") or []:
        output.line()
        output.line(f"gateway {plan.get('gateway')}:")
        output.line(plan.get("text", "").rstrip("\n"))
