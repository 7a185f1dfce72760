"""`egx delete`"""

from __future__ import annotations

from typing import Any, cast

import click

from egx_project.cli.answers import Changed
from egx_project.cli.changes import finish, print_changes, waiting_options, watch
from egx_project.cli.client import Client, connect
from egx_project.cli.names import object_kind, split_name
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.cli.sources import read_sources
from egx_project.lib.errors import BadInputError, NotFoundError


@click.command()
@click.argument("kind", required=False)
@click.argument("name", required=False)
@click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE|DIR|-", help="Delete what these manifests name."
)
@click.option("-R", "--recursive", is_flag=True, help="Read folders to any depth.")
@click.option("-n", "--namespace", metavar="NAMESPACE", help="The namespace of NAME; `default` if not given.")
@waiting_options
@json_option
@pass_output
def delete(
    output: Output,
    *,
    kind: str | None,
    name: str | None,
    files: tuple[str, ...],
    recursive: bool,
    namespace: str | None,
    wait: bool,
    timeout: float | None,
) -> None:
    """Delete what manifests name, or one object by KIND and NAME.

    A gateway that runs is not deleted but removed: `egx remove`.

    \b
      egx delete -f route.yaml
      egx delete httproute web
      egx delete backend shop/api
    """
    if bool(files) == bool(kind or name) or bool(kind) != bool(name):
        raise click.UsageError("give either -f FILE or KIND NAME", ctx=click.get_current_context())
    sources = read_sources(files, recursive=recursive)
    with connect() as client:
        if kind and name:
            body: dict[str, object] = {"objects": [_object(client, kind, name, namespace)]}
        else:
            body = {"sources": sources}
        changed = cast("Changed", client.post("/delete", body))
        print_changes(output, changed)
        operations = watch(client, output, changed.get("operations") or [], wait=wait, timeout=timeout)
    document = {
        "changes": changed.get("changes") or [],
        "warnings": changed.get("warnings") or [],
        "operations": operations,
    }
    finish(output, document, operations, wait=wait)


def _object(client: Client, kind: str, name: str, namespace: str | None) -> dict[str, str]:
    place, bare = split_name(name, namespace)
    place = place or "default"
    spelt = object_kind(kind)
    if spelt == "Gateway":
        raise BadInputError(f"gateway {name} is not deleted but removed", hint=f"`egx remove {name}`")
    if spelt == "Route":
        spelt = _kind_of_route(client, bare, place)
    return {"kind": spelt, "namespace": place, "name": bare}


def _kind_of_route(client: Client, name: str, namespace: str) -> str:
    items: list[dict[str, Any]] = client.get("/routes", {"name": name, "namespace": namespace}).get("items") or []
    kinds = [str(item.get("kind")) for item in items]
    if not kinds:
        raise NotFoundError(f"there is no route {namespace}/{name}")
    if len(kinds) > 1:
        raise BadInputError(
            f"{namespace}/{name} is the name of {len(kinds)} routes", hint=f"say which: {', '.join(kinds)}"
        )
    return kinds[0]
