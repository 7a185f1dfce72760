"""`egx expose` and `egx unexpose`"""

from __future__ import annotations

from typing import cast

import click

from egx_project.cli.answers import Changed
from egx_project.cli.changes import finish, print_changes, waiting_options, watch
from egx_project.cli.client import Client, connect, path_of
from egx_project.cli.output import Output, json_option, pass_output

PORTS = click.IntRange(1, 65535)


@click.command()
@click.argument("container")
@click.option(
    "--at", "path", metavar="PATH", help="The path, such as /shop; else what the container's labels ask for, or /."
)
@click.option("--host", metavar="NAME", help="Only requests for this host.")
@click.option("--port", type=PORTS, metavar="PORT", help="Where the container listens; else what is probably HTTP.")
@click.option("--gateway", metavar="GATEWAY", help="Through which one; not needed where there is only one.")
@click.option("--listen", type=PORTS, metavar="PORT", help="Make that gateway, on this port, if it is not there.")
@click.option("--keep-path", is_flag=True, help="Let the container see the whole path, not what follows PATH.")
@click.option("--target", metavar="TARGET", help="Whose containers (see `egx get targets`).")
@click.option("--dry-run", is_flag=True, help="Print what would change and the plan; change nothing.")
@waiting_options
@json_option
@pass_output
def expose(
    output: Output,
    *,
    container: str,
    path: str | None,
    host: str | None,
    port: int | None,
    gateway: str | None,
    listen: int | None,
    keep_path: bool,
    target: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Let a gateway send traffic to CONTAINER: its name, or PROJECT/SERVICE of compose.

    The container joins EGX's network. It is not restarted, nor changed otherwise, and leaves with its last route.

    \b
      egx expose shop-web --at /shop
      egx expose shop/web --host shop.localhost
      egx expose shop-web --gateway web --listen 8080
    """
    given = {"path": path, "host": host, "port": port, "gateway": gateway, "listen": listen, "target": target}
    body: dict[str, object] = {"keep_path": keep_path, "dry_run": dry_run}
    body |= {name: value for name, value in given.items() if value is not None}
    with connect() as client:
        changed = cast("Changed", client.post(path_of("containers", container, "expose"), body))
        _follow(client, output, changed, dry_run=dry_run, wait=wait, timeout=timeout)


@click.command()
@click.argument("container")
@click.option("--at", "path", metavar="PATH", help="Only this path; else all of them.")
@click.option("--target", metavar="TARGET", help="Whose containers (see `egx get targets`).")
@click.option("--dry-run", is_flag=True, help="Print what would change and the plan; change nothing.")
@waiting_options
@json_option
@pass_output
def unexpose(
    output: Output,
    *,
    container: str,
    path: str | None,
    target: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Take the routes to CONTAINER away. With the last it leaves EGX's network, and is as it was before."""
    asked = {"path": path, "target": target, "dry_run": "true" if dry_run else None}
    with connect() as client:
        changed = cast("Changed", client.delete(path_of("containers", container, "expose"), asked))
        _follow(client, output, changed, dry_run=dry_run, wait=wait, timeout=timeout)


def _follow(
    client: Client, output: Output, changed: Changed, *, dry_run: bool, wait: bool, timeout: float | None
) -> None:
    print_changes(output, changed, planned=dry_run)
    if dry_run:
        if output.json:
            output.document(changed)
        for plan in changed.get("plans") or []:
            output.line()
            output.line(f"gateway {plan.get('gateway')}:")
            output.line(plan.get("text", "").rstrip("\n"))
        return
    operations = watch(client, output, changed.get("operations") or [], wait=wait, timeout=timeout)
    document = {
        "changes": changed.get("changes") or [],
        "warnings": changed.get("warnings") or [],
        "operations": operations,
    }
    finish(output, document, operations, wait=wait)
