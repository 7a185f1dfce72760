"""`egx registry`"""

from __future__ import annotations

import sys

import click

from egx_project.cli.client import connect, path_of
from egx_project.cli.listings import table_of
from egx_project.cli.output import Output, json_option, pass_output

CHANNEL = "envoy-gateway"


@click.group()
@json_option
def registry() -> None:
    """Log EGX in to container registries, whose images it looks for and has pulled."""


@registry.command()
@click.argument("registry")
@click.option("-u", "--username", required=True, help="As whom.")
@json_option
@pass_output
def login(output: Output, *, registry: str, username: str) -> None:
    """Log EGX in to REGISTRY, such as docker.io or registry.example.org:5000.

    The password, or an access token in its place, is read from stdin; on a terminal it is asked for.
    """
    with connect() as client:
        body = {"username": username, "password": _password()}
        kept = client.put(path_of("registries", registry), body)
    if output.json:
        output.document(kept)
    output.line(f"EGX is {kept['username']} at {kept['registry']}")


@registry.command()
@click.argument("registry")
@json_option
@pass_output
def logout(output: Output, *, registry: str) -> None:
    """Forget the login at REGISTRY."""
    with connect() as client:
        client.delete(path_of("registries", registry))
    if output.json:
        output.document({"forgotten": registry})
    output.line(f"the login at {registry} is forgotten")


@registry.command(name="list")
@json_option
@pass_output
def list_(output: Output) -> None:
    """List where EGX has a login of its own, without passwords."""
    with connect() as client:
        items = client.get("/registries")["items"]
    if output.json:
        output.document({"items": items})
    elif items:
        output.table(table_of("registries", items))
    else:
        output.note("no logins; those that Docker has here are used as well")


@registry.command()
@click.argument("version")
@click.argument("digest")
@json_option
@pass_output
def accept(output: Output, *, version: str, digest: str) -> None:
    """Accept DIGEST as what the release VERSION of Envoy Gateway is, after its tag has moved."""
    with connect() as client:
        client.put(path_of("channels", CHANNEL, "releases", version, "accepted"), {"digest": digest})
    if output.json:
        output.document({"accepted": digest})
    output.line(f"{version} may be {digest} from now on")


def _password() -> str:
    """One line: what pipes and files end with is not part of it."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")
