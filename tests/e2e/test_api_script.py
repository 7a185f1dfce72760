"""The script on the page of the API does what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.running import Egx, is_listening, quiet_port

PAGE = Path(__file__).parents[2] / "docs/api.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_script_of_the_page_makes_changes_watches_and_removes_a_gateway(shared: Egx, backend: int) -> None:
    (script,) = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    port = quiet_port()
    given = {
        "PATH": os.environ["PATH"],
        "EGX_URL": f"http://localhost:{shared.port}",
        "EGX_TOKEN": shared.do("token", "create", "script", "--role", "operator", "--json").json["token"],
        "GATEWAY_PORT": str(port),
        "BACKEND_PORT": str(backend),
    }
    done = subprocess.run(["sh", "-c", script], env=given, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert [line.partition(": ")[2] for line in said if line.startswith("operation ")] == ["done"] * 4
    assert '"name":"switch_traffic","state":"done"' in said
    assert "/ is served" in said
    assert "/ is answered 404 now" in said
    assert not is_listening(port)
    assert "script" not in {gateway["name"] for gateway in shared.ask("/gateways")["items"]}
