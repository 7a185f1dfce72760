"""The commands of `egx`, each loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from egx_project.cli.output import Output, json_option, pass_output


class Entry(NamedTuple):
    section: str
    target: str
    help: str


_HERE = "egx_project.cli.commands"
COMMANDS = {
    "up": Entry("EGX", "egx_project.embedded.commands:up", "Start EGX and, the first time, the demo gateway."),
    "down": Entry("EGX", "egx_project.embedded.commands:down", "Stop EGX; gateways keep serving."),
    "demo": Entry("EGX", "egx_project.proof.command:demo", "Update a gateway under load, and show what that costs."),
    "status": Entry("EGX", f"{_HERE}.status:status", "Show how EGX, or one gateway, is."),
    "doctor": Entry("EGX", "egx_project.embedded.doctor:doctor", "Look what is wrong with backups, and repair it."),
    "token": Entry("EGX", f"{_HERE}.token:token", "Make login links and API tokens."),
    "service": Entry("EGX", f"{_HERE}.service:service", "Start and stop what helps the gateways of a target."),
    "registry": Entry("EGX", f"{_HERE}.registry:registry", "Log EGX in to container registries."),
    "apply": Entry("Desired state", f"{_HERE}.apply:apply", "Make gateways and routes what manifests say."),
    "delete": Entry("Desired state", f"{_HERE}.delete:delete", "Delete what manifests name, or one object."),
    "get": Entry("Desired state", f"{_HERE}.get:get", "List gateways, routes, operations and more."),
    "containers": Entry("Containers", f"{_HERE}.containers:containers", "List containers that a gateway could reach."),
    "expose": Entry("Containers", f"{_HERE}.expose:expose", "Let a gateway send traffic to a container."),
    "unexpose": Entry("Containers", f"{_HERE}.expose:unexpose", "Take that back."),
    "plan": Entry("Gateways", f"{_HERE}.plan:plan", "Show the steps a change would take, and why."),
    "update": Entry("Gateways", f"{_HERE}.update:update", "Put another version of the engine in, losing nothing."),
    "rollback": Entry("Gateways", f"{_HERE}.rollback:rollback", "Go back to the engine before, or to a backup."),
    "backup": Entry("Gateways", f"{_HERE}.backup:backup", "Put a gateway, or all of EGX, away."),
    "restore": Entry("Gateways", "egx_project.embedded.restore:restore", "Bring back what a backup has."),
    "remove": Entry("Gateways", f"{_HERE}.remove:remove", "Stop a gateway and remove it."),
    "logs": Entry("Gateways", f"{_HERE}.logs:logs", "Read what a gateway's engines say, and its requests."),
    "build": Entry("Images", f"{_HERE}.build:build", "Build an image from a folder or a Git repository."),
    "op": Entry("Gateways", f"{_HERE}.op:op", "Show, follow, cancel or resume an operation."),
}


class EgxGroup(click.Group):
    """A group whose help is known without loading a command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = max(map(len, COMMANDS))
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            rows = [(name.ljust(width), entry.help) for name, entry in COMMANDS.items() if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


@click.group(
    cls=EgxGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 3 EGX not reachable, 4 refused. "
    "EGX_DATA_DIR says which EGX is meant.",
)
@click.option("--version", is_flag=True, help="Print the version of egx.")
@json_option
@pass_output
@click.pass_context
def cli(context: click.Context, output: Output, *, version: bool) -> None:
    """EGX runs Envoy gateways here, in Docker or in Kubernetes, and makes every change to them safe.

    \b
      egx up                        start it: a dashboard and a demo gateway
      egx apply -f quickstart.yaml  Gateway API manifests in
      egx status                    how everything is
    """
    if version:
        _print_version(output)
        context.exit()
    if context.invoked_subcommand is None:
        if output.json:
            raise click.UsageError("a command is missing", ctx=context)
        click.echo(context.get_help())


def _print_version(output: Output) -> None:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        version = version_of("egx")
    except PackageNotFoundError:
        version = "unknown"
    if output.json:
        output.document({"version": version})
    output.line(f"egx {version}")
