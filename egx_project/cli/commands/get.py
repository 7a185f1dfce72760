"""`egx get`"""

from __future__ import annotations

from typing import Any

import click

from egx_project.cli.client import Client, connect, path_of
from egx_project.cli.listings import table_of
from egx_project.cli.names import Kind, listed_kind, split_name
from egx_project.cli.output import Output, json_option, object_name, pass_output
from egx_project.lib.errors import BadInputError, NotFoundError

Item = dict[str, Any]

_MANIFESTS = frozenset({"gateways", "routes"})
_IDENTITIES = ("id", "name", "version", "number")


@click.command()
@click.argument("kind")
@click.argument("name", required=False)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["table", "json", "yaml"]),
    default=None,
    help="table by default",
)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Only gateways and routes of this namespace.")
@json_option
@pass_output
def get(output: Output, *, kind: str, name: str | None, form: str | None, namespace: str | None) -> None:
    """List gateways, routes, operations, releases, backups, targets or events, or show the one called NAME.

    KIND may be singular or short (gw, op), and of the routes one kind (httproute). With -o yaml, gateways and
    routes are manifests that `egx apply` takes.

    \b
      egx get gateways
      egx get route shop/web -o yaml
      egx get operations --json
    """
    if form == "json":
        output.json = True
    elif output.json and form is not None:
        raise click.UsageError(f"--json and -o {form} contradict each other", ctx=click.get_current_context())
    wanted = listed_kind(kind)
    place, bare = _identity(wanted, name, namespace)
    with connect() as client:
        if form == "yaml" and wanted.plural in _MANIFESTS:
            click.echo(_manifests(client, wanted, place, bare), nl=False)
            return
        items = [_one(client, wanted, place, bare)] if bare else _items(client, wanted, place)
    if form == "yaml":
        click.echo(_yaml(items), nl=False)
    elif output.json:
        output.document(items[0] if bare else {"items": items})
    elif items:
        output.table(table_of(wanted.plural, items))
    else:
        output.note(f"no {wanted.only or wanted.plural}")


def _identity(kind: Kind, name: str | None, namespace: str | None) -> tuple[str | None, str | None]:
    if kind.plural in _MANIFESTS:
        return split_name(name, namespace) if name is not None else (namespace, None)
    if namespace is not None:
        raise BadInputError(f"{kind.plural} have no namespace")
    return None, name


def _one(client: Client, kind: Kind, namespace: str | None, name: str) -> Item:
    if kind.plural in {"gateways", "operations"}:
        found: Item = client.get(path_of(kind.plural, name), {"namespace": namespace})
        return found
    items = _items(client, kind, namespace, name)
    if kind.plural not in _MANIFESTS:
        items = [item for item in items if name in {str(item.get(key)) for key in _IDENTITIES}]
    return _the_only(items, kind, name if namespace is None else f"{namespace}/{name}")


def _items(client: Client, kind: Kind, namespace: str | None, name: str | None = None) -> list[Item]:
    params: dict[str, str | int | None] = {"namespace": namespace, "name": name} if kind.plural in _MANIFESTS else {}
    items = _all_pages(client, path_of(kind.plural), params)
    return [item for item in items if not kind.only or item.get("kind") == kind.only]


def _all_pages(client: Client, path: str, params: dict[str, str | int | None]) -> list[Item]:
    """Of operations the newest are enough; everything else is listed whole."""
    items: list[Item] = []
    while True:
        answer = client.get(path, {**params, "offset": len(items) or None})
        found: list[Item] = answer.get("items") or []
        items += found
        if not found or path == path_of("operations") or len(items) >= int(answer.get("total") or 0):
            return items


def _the_only(items: list[Item], kind: Kind, name: str) -> Item:
    if not items:
        raise NotFoundError(f"there is no {kind.singular} {name}", hint=f"`egx get {kind.plural}` lists them")
    if len(items) > 1:
        named = [
            object_name(str(item.get("kind", kind.singular)), str(item.get("namespace", "")), str(item.get("name")))
            for item in items
        ]
        raise BadInputError(
            f"{name} is not the name of one: {', '.join(named)}", hint="say the kind and NAMESPACE/NAME"
        )
    return items[0]


def _manifests(client: Client, kind: Kind, namespace: str | None, name: str | None) -> str:
    """The canonical manifests, as text that `egx apply` takes."""
    if kind.only:
        items = [_one(client, kind, namespace, name)] if name else _items(client, kind, namespace)
        return "---\n".join(_yaml(item.get("manifest")) for item in items)
    text = client.get_text("/export", {"kind": kind.plural, "name": name, "namespace": namespace})
    if name and not text.strip():
        raise NotFoundError(f"there is no {kind.singular} {name}", hint=f"`egx get {kind.plural}` lists them")
    return text if text.endswith("\n") or not text else f"{text}\n"


def _yaml(value: object) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
