"""`egx demo` shows what it says, with nothing pretended."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.matrix
def test_the_demonstration_loses_no_request_and_puts_the_broken_release_in_quarantine() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    ran = subprocess.run(
        [sys.executable, "-m", "egx_project.cli", "demo", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["proved"]
    assert told["failed_requests"] == 0
    assert told["requests"] == told["answered"] == told["arrived"] > 3_000
    assert [change["state"] for change in told["changes"]] == ["done", "done", "rolled_back"]
    assert "wait_healthy" in told["quarantined"]
