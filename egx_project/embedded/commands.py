"""`egx up` and `egx down`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import click

from egx_project.cli.errors import AnswerError
from egx_project.cli.output import Output, json_option, pass_output
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import EgxError
from egx_project.settings.location import data_dir, host, socket_path

READY_SECONDS = 60.0
COME_BACK_SECONDS = 10.0
"""For processes of gateways that are started again: all of them, after a reboot."""


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
    preparation.require_room(home)
    preparation.require_port(port, host=host(), what="the dashboard", way_out="egx up --port ANOTHER")
    if detach:
        _up_detached(output, home, port=port, no_demo=no_demo)
    else:
        from egx_project.embedded.up import run

        run(output, home, host=host(), port=port, demo=not no_demo)


def _up_detached(output: Output, home: Path, *, port: int, no_demo: bool) -> None:
    from egx_project.embedded import gateway_units, instance

    log = home / "logs" / "egx.log"
    log.parent.mkdir(exist_ok=True, mode=0o700)
    argv = [
        sys.executable,
        "-m",
        "egx_project.cli",
        "up",
        "--json",  # its log is on stderr, and only why it does not start on stdout
        "--port",
        str(port),
        *(["--no-demo"] if no_demo else []),
    ]
    with log.open("ab") as written, tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=written, cwd=home, start_new_session=True
        )
        _await_ready(child, home, said, log)
    found = instance.running(home)
    if found is None:
        raise EgxError("EGX has ended as soon as it had started", hint=f"see {log}")
    wait_for(lambda: not gateway_units.silent(home) or None, clock=SystemClock(), seconds=COME_BACK_SECONDS)
    _say(output, found.url, f"EGX runs at {found.url} (pid {found.pid}); its log is {log}")
    _say_gateways(output)
    for unit in gateway_units.silent(home):
        output.note(f"egx: {unit} does not answer yet; see {home / 'run' / unit}")


def _await_ready(child: subprocess.Popen[bytes], home: Path, said: IO[bytes], log: Path) -> None:
    """Return when EGX answers and no first deployment is under way any more."""
    from egx_project.embedded import instance

    def look() -> bool | None:
        # Where another `egx up` was quicker, the one that runs is its.
        if child.poll() is not None and not instance.is_held(home):
            raise _why_not(said, log)
        return _is_ready(home) or None

    if not wait_for(look, clock=SystemClock(), seconds=READY_SECONDS, every=0.05):
        raise EgxError(f"EGX is not ready after {READY_SECONDS:g} s", hint=f"see {log}")


def _is_ready(home: Path) -> bool:
    from egx_project.cli.client import connect
    from egx_project.lib.errors import UnreachableError

    if not socket_path(home).exists():
        return False
    try:
        with connect() as client:
            deploying = client.get("/gateways", {"state": "deploying", "limit": 1000})["items"]
    except UnreachableError:
        return False
    return all(_serves(gateway) for gateway in deploying)


def _serves(gateway: dict[str, Any]) -> bool:
    return any(slot["state"] == "serving" for slot in gateway["slots"])


def _why_not(said: IO[bytes], log: Path) -> EgxError:
    """What EGX said when it did not start."""
    said.seek(0)
    try:
        error = json.loads(said.read())["error"]
    except (ValueError, KeyError):
        return EgxError("EGX did not start", hint=f"see {log}")
    return AnswerError(error["detail"], http_status=error["status"], title=error["title"], hint=error["hint"])


def _say(output: Output, url: str, text: str) -> None:
    """Where it runs, and the link that logs in."""
    from egx_project.cli.client import connect

    with connect() as client:
        login = client.post("/login-links")["url"]
    if output.json:
        output.document({"url": url, "login": login})
    output.line(text)
    output.line(f"log in, once, by {login}")


def _say_gateways(output: Output) -> None:
    from egx_project.cli.client import connect

    with connect() as client:
        for gateway in client.get("/status")["gateways"]:
            where = " ".join(gateway["addresses"])
            output.line(f"gateway {gateway['name']}: {gateway['state']} at {where}")
        newest_first = client.get("/operations")["items"]
        for operation in {item["gateway"]: item for item in reversed(newest_first)}.values():
            if operation["state"] in {"failed", "rolled_back"}:
                what = f"operation {operation['id']} ({operation['kind']} {operation['gateway']})"
                output.note(f"egx: {what} {operation['state']}: {operation['error']}")


@click.command()
@click.option("--gateways", is_flag=True, help="Stop the gateways too.")
@json_option
@pass_output
def down(output: Output, *, gateways: bool) -> None:
    """Stop EGX. Gateways keep serving, unless --gateways."""
    from egx_project.embedded import gateway_units, instance

    home = data_dir()
    found = instance.running(home)
    if found:
        instance.stop(found)
        output.line(f"EGX (pid {found.pid}) has stopped")
    else:
        output.line("EGX does not run here")
    stopped = gateway_units.end_all(home) if gateways else []
    if gateways:
        output.line(f"stopped {len(stopped)} processes of gateways; `egx up` starts them again")
    elif gateway_units.any_runs(home):
        output.line("gateways keep serving; `egx down --gateways` stops them")
    if output.json:
        output.document({"stopped": found is not None, "units": stopped})
