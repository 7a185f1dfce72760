"""A Docker Engine that is not there, not for this user, or too old: a sentence that says what to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deployments.drivers.base import DriverError, Engine, SilentError
from deployments.drivers.docker.driver import DockerDriver
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.registry import DriverSettings


def driver(home: Path, host: str) -> DockerDriver:
    docker = DockerSettings(host=host)
    return DockerDriver(
        DriverSettings(data_dir=home, bind_address="127.0.0.1", envoy_binary="", envoy_concurrency=1, docker=docker)
    )


def refusal(home: Path, host: str) -> DriverError:
    with pytest.raises(DriverError) as refused:
        driver(home, host).pull(Engine(version="1.9.0"))
    assert refused.value.hint
    return refused.value


def test_an_engine_that_is_not_there_is_said_with_a_way_out(tmp_path: Path) -> None:
    error = refusal(tmp_path, f"unix://{tmp_path}/none.sock")
    assert isinstance(error, SilentError)
    assert "there is no Docker" in error.message
    assert "process" in error.hint


def test_an_engine_that_does_not_listen_is_said(tmp_path: Path) -> None:
    error = refusal(tmp_path, "tcp://127.0.0.1:9")
    assert isinstance(error, SilentError)
    assert "does not answer" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use any socket")
def test_a_socket_of_somebody_else_is_said(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        (tmp_path / "docker.sock").chmod(0)
        assert "may not use Docker" in refusal(tmp_path, f"unix://{tmp_path}/docker.sock").message


class _Old(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.30", "MinAPIVersion": "1.12", "Version": "17.06"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def old_engine() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Old)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"tcp://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_engine_that_is_too_old_is_said(tmp_path: Path, old_engine: str) -> None:
    error = refusal(tmp_path, old_engine)
    assert "API 1.30" in error.message
    assert "20.10" in error.hint


def test_nothing_is_asked_of_an_engine_while_no_gateway_is_there(tmp_path: Path) -> None:
    made = driver(tmp_path, f"unix://{tmp_path}/none.sock")
    assert made.tend() == []
    assert not made.observe("gw1").exists
    assert made.ground.daemon.calls == 0
