"""The test backend as the process that the demo gateway starts."""

from __future__ import annotations

import base64
import importlib.util
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import psutil
import pytest

COMMAND = [sys.executable, "-m", "egx_project.test_backend"]
HAS_WEBSOCKETS = any(importlib.util.find_spec(name) for name in ("wsproto", "websockets"))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([*COMMAND, "--port", "0", "--instance", "real"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert said.startswith("test backend real on 127.0.0.1:")
        yield process, int(said.rsplit(":", 1)[1])
    finally:
        process.terminate()
        process.wait(timeout=10)
        complaints = process.stderr.read()
        process.stderr.close()
    assert complaints == ""


def test_it_serves_http_and_keeps_the_connection(server: tuple[subprocess.Popen[str], int]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server[1]}", trust_env=False) as client:
        peers = {client.post("/x", content=b"abc").json()["client"] for _ in range(3)}
        assert len(client.get("/?bytes=1000000").content) == 1_000_000
        assert client.get("/?status=299").status_code == 299
    assert len(peers) == 1


def test_it_does_not_believe_a_forwarded_address(server: tuple[subprocess.Popen[str], int]) -> None:
    url = f"http://127.0.0.1:{server[1]}/"
    report = httpx.get(url, headers={"x-forwarded-for": "198.51.100.9"}, trust_env=False).json()
    assert report["client"].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: nine\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello\r\n\r\n",
        b"GET /?status=abc HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
def test_nonsense_is_a_bad_request(server: tuple[subprocess.Popen[str], int], request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server[1]), timeout=10) as connection:
        connection.sendall(request_bytes)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_it_is_light_and_free_of_django(server: tuple[subprocess.Popen[str], int]) -> None:
    process = psutil.Process(server[0].pid)
    assert process.memory_info().rss < 40 * 1024 * 1024
    if sys.platform == "linux":
        assert not any("django" in mapped.path for mapped in process.memory_maps())


@pytest.mark.skipif(not HAS_WEBSOCKETS, reason="neither wsproto nor websockets is installed")
def test_it_echoes_over_a_real_websocket(server: tuple[subprocess.Popen[str], int]) -> None:
    key = base64.b64encode(bytes(16)).decode()
    upgrade = (
        f"GET /ws?hello=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server[1]), timeout=10) as connection:
        reader = connection.makefile("rb")
        connection.sendall(upgrade.encode())
        assert reader.readline().startswith(b"HTTP/1.1 101 ")
        while reader.readline() != b"\r\n":
            pass
        assert reader.read(6) == b"\x81\x04real"
        # A masked text frame; the mask is zeros, so the payload reads plainly.
        connection.sendall(b"\x81\x82\x00\x00\x00\x00hi")
        assert reader.read(4) == b"\x81\x02hi"
        reader.close()


def test_a_taken_port_is_said_in_one_line(server: tuple[subprocess.Popen[str], int]) -> None:
    again = subprocess.run(
        [*COMMAND, "--port", str(server[1])], capture_output=True, text=True, timeout=30, check=False
    )
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert "cannot listen on" in again.stderr


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "1", "--instance", "a b"], []])
def test_bad_arguments_exit_2(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
