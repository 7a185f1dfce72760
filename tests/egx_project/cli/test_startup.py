"""`egx` starts at once: it loads only what the command needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from egx_project.cli.app import COMMANDS, cli
from tests.egx_project.cli.conftest import ROOT, Egx

OURS = [name for name, entry in COMMANDS.items() if ".cli.commands." in entry.target]


@pytest.mark.parametrize("arguments", [["--help"], ["status"], ["get", "gateways"], ["op", "follow", "1"]])
def test_no_command_loads_django_or_the_apps(data_dir: object, arguments: list[str]) -> None:
    script = (
        "import sys; from egx_project.cli import main; main(sys.argv[1:]); "
        "print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    unwanted = {
        "django",
        "celery",
        "kombu",
        "pydantic",
        "rich",
        "pygments",
        "yaml",
        "gateways",
        "deployments",
    }
    assert loaded & unwanted == set()


@pytest.mark.parametrize("name", OURS)
def test_every_command_has_help_and_takes_json(egx: Egx, name: str) -> None:
    ran = egx(name, "--help")
    assert ran.code == 0
    assert "--json" in ran.stdout


def test_the_help_lists_every_command(egx: Egx) -> None:
    ran = egx("--help")
    assert all(f"  {name} " in ran.stdout for name in cli.list_commands(None))  # type: ignore[arg-type]
    assert "Exit codes:" in ran.stdout


def test_the_version_is_told(egx: Egx) -> None:
    assert egx("--version").stdout.startswith("egx ")
