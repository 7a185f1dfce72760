"""`egx up` and `egx down`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.errors import EgxError
from egx_project.settings.location import data_dir, socket_path

READY_SECONDS = 60.0


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Return when EGX is ready; it goes on in the background.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    envvar="PORT",
    default=3000,
    show_default=True,
    help="The dashboard's port.",
)
@click.option("--no-demo", is_flag=True, help="Do not deploy the gateway `demo` on the first run.")
@json_option
@pass_output
def up(output: Output, *, detach: bool, port: int, no_demo: bool) -> None:
    """Start EGX: the dashboard and, the first time, the gateway `demo` on port 8080 with a test backend."""
    from egx_project.embedded import instance, preparation

    home = data_dir()
    preparation.require_data_dir(home)
    found = instance.running(home)
    if found:
        _say(output, found.url, f"EGX already runs at {found.url} (pid {found.pid})")
        return
    host = os.environ.get("HOST", "127.0.0.1")
    preparation.require_port(port, host=host, what="the dashboard", way_out="egx up --port ANOTHER")
    if detach:
        _up_detached(output, home, port=port, no_demo=no_demo)
    else:
        from egx_project.embedded.up import run

        run(output, home, host=host, port=port, demo=not no_demo)


def _up_detached(output: Output, home: Path, *, port: int, no_demo: bool) -> None:
    log = home / "logs" / "egx.log"
    log.parent.mkdir(exist_ok=True, mode=0o700)
    argv = [
        sys.executable,
        "-m",
        "egx_project.cli",
        "up",
        "--port",
        str(port),
        *(["--no-demo"] if no_demo else []),
    ]
    with log.open("ab") as written:
        began = written.tell()
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=written, stderr=written, cwd=home, start_new_session=True
        )
    _await_ready(child, home, log, began)
    url = f"http://localhost:{port}"
    _say(output, url, f"EGX runs at {url} (pid {child.pid}); its log is {log}")
    _say_gateways(output)


def _await_ready(child: subprocess.Popen[bytes], home: Path, log: Path, began: int) -> None:
    """Return when EGX answers and no first deployment is under way any more."""
    from egx_project.cli.client import connect
    from egx_project.lib.errors import UnreachableError

    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise EgxError("EGX did not start", hint=_tail(log, began))
        if socket_path(home).exists():
            try:
                with connect() as client:
                    gateways = client.get("/gateways")["items"]
            except UnreachableError:
                gateways = None
            if gateways is not None and not any(gateway["state"] == "deploying" for gateway in gateways):
                return
        time.sleep(0.05)
    raise EgxError(f"EGX is not ready after {READY_SECONDS:g} s", hint=f"see {log}")


def _tail(log: Path, began: int) -> str:
    with log.open("rb") as written:
        written.seek(began)
        lines = written.read().decode(errors="replace").strip().splitlines()
    said = [line.removeprefix("egx: ").strip() for line in lines[-4:]]
    return "\n  ".join(said) or f"see {log}"


def _say(output: Output, url: str, text: str) -> None:
    if output.json:
        output.document({"url": url})
    output.line(text)


def _say_gateways(output: Output) -> None:
    from egx_project.cli.client import connect

    with connect() as client:
        for gateway in client.get("/gateways")["items"]:
            where = " ".join(gateway["addresses"])
            output.line(f"gateway {gateway['name']}: {gateway['state']} at {where}")
        for operation in client.get("/operations")["items"]:
            if operation["state"] in {"failed", "rolled_back"}:
                what = f"operation {operation['id']} ({operation['kind']} {operation['gateway']})"
                output.note(f"egx: {what} {operation['state']}: {operation['error']}")


@click.command()
@click.option("--gateways", is_flag=True, help="Stop the gateways too.")
@json_option
@pass_output
def down(output: Output, *, gateways: bool) -> None:
    """Stop EGX. Gateways keep serving, unless --gateways."""
    from egx_project.embedded import instance

    home = data_dir()
    found = instance.running(home)
    if found:
        instance.stop(found)
        output.line(f"EGX (pid {found.pid}) has stopped")
    else:
        output.line("EGX does not run here")
    stopped = _stop_units(home) if gateways else []
    if gateways:
        output.line(f"stopped {len(stopped)} processes of gateways; `egx up` starts them again")
    elif _serving(home):
        output.line("gateways keep serving; `egx down --gateways` stops them")
    if output.json:
        output.document({"stopped": found is not None, "units": stopped})


def _stop_units(home: Path) -> list[str]:
    """End every process of gateways of this host, edges first; they stay wanted: the next `egx up` revives them."""
    from deployments.drivers.process.units import all_units

    units = sorted(all_units(home / "run"), key=lambda unit: unit.name != "edge")
    stopped = [unit for unit in units if unit.running()]
    for unit in stopped:
        unit.end()
    return [f"{unit.folder.parent.name}/{unit.name}" for unit in stopped]


def _serving(home: Path) -> bool:
    from deployments.drivers.process.units import all_units

    return any(unit.running() for unit in all_units(home / "run"))
