"""`egx token`"""

from __future__ import annotations

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.listings import table_of
from egx_project.cli.output import Output, json_option, pass_output


@click.group()
@json_option
def token() -> None:
    """Let people and scripts in: a link that logs in once, and API tokens."""


@token.command()
@click.option("--user", metavar="NAME", help="Whom the link logs in; the owner, admin, if not given.")
@json_option
@pass_output
def login(output: Output, *, user: str | None) -> None:
    """Print a link that opens the dashboard, logged in, once."""
    with connect() as client:
        link = client.post("/login-links", {"user": user})
    if output.json:
        output.document(link)
    output.line(link["url"])


@token.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "admin"]),
    default="viewer",
    show_default=True,
    help="What the token may at most.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it stays good; EGX_TOKEN_DAYS if not given.")
@json_option
@pass_output
def create(output: Output, *, name: str, role: str, days: int | None) -> None:
    """Make the API token NAME and print its secret, this once.

    Scripts send it as `Authorization: Bearer TOKEN`.
    """
    with connect() as client:
        made = client.post("/tokens", {"name": name, "role": role, "days": days})
    if output.json:
        output.document(made)
    output.line(made["token"])
    if not output.json:
        output.note(f"egx: {made['role']} until {str(made['expires_at'])[:10]}; keep it, it is not shown again")


@token.command(name="list")
@json_option
@pass_output
def list_(output: Output) -> None:
    """List API tokens, without their secrets."""
    with connect() as client:
        items = client.get("/tokens")["items"]
    if output.json:
        output.document({"items": items})
    elif items:
        output.table(table_of("tokens", items))
    else:
        output.note("no tokens")


@token.command()
@click.argument("name")
@json_option
@pass_output
def revoke(output: Output, *, name: str) -> None:
    """End the API token NAME at once."""
    with connect() as client:
        client.delete(path_of("tokens", name))
    if output.json:
        output.document({"revoked": name})
    output.line(f"token {name} revoked")
