"""A real Envoy, run and configured as a slot is: pipes, and file subscriptions changed by renames."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from deployments.drivers.process.xds.resource import Resource
from deployments.drivers.process.xds.slot import SlotResources, slot_bootstrap, slot_resources
from gateways.spec.snapshot import GatewaySnapshot
from tests.deployments.xds.builders import PORT

ENVOY = Path(sysconfig.get_path("platlib")) / "envoy" / "_bin" / "envoy"
SLOT = "s"
DEADLINE_SECONDS = 10.0


class Answer:
    """A response, and what the backend said it was asked, if one was."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.location = response.headers.get("location")
        said: dict[str, Any] = response.json() if response.headers.get("x-own") and response.content else {}
        self.backend: str | None = said.get("backend")
        self.path: str | None = said.get("path")
        self._headers: list[list[str]] = said.get("headers", [])

    def received(self, name: str) -> list[str]:
        """The values that the backend got for a header."""
        return [value for key, value in self._headers if key == name]

    @property
    def outcome(self) -> str | int:
        """The backend that answered, or else the status."""
        return self.backend or self.status


class Slot:
    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self.version = 0
        self.resources: SlotResources | None = None
        self._admin = self.client("admin", timeout=DEADLINE_SECONDS)
        self._clients: dict[int, httpx.Client] = {}

    def client(self, name: str | int, *, timeout: float = 5.0) -> httpx.Client:
        """Connected to one of the slot's sockets."""
        transport = httpx.HTTPTransport(uds=str(self.socket(name)))
        return httpx.Client(transport=transport, base_url="http://gateway.test", timeout=timeout)

    def socket(self, name: str | int) -> Path:
        return self.folder / SLOT / f"{name}.sock"

    def load(self, wanted: GatewaySnapshot) -> None:
        """Return when Envoy serves exactly this."""
        resources = slot_resources(wanted, directory=SLOT)
        if resources == self.resources:
            return
        self.resources = resources
        self.version += 1
        for file, contents in resources.files.items():
            self._write(file, contents)
            if file == "cds":
                self._await_versions({"cluster_manager.cds.version_text": self._text()})
        self._await_versions(self._held(resources))

    def _held(self, resources: SlotResources) -> dict[str, str]:
        ports = [route["name"].removeprefix("port-") for route in resources.routes]
        routes = {f"http.http-{port}.rds.port-{port}.version_text": self._text() for port in ports}
        return {"listener_manager.lds.version_text": self._text(), **routes}

    def _text(self) -> str:
        return f'"{self.version}"'

    def _write(self, kind: str, resources: tuple[Resource, ...]) -> None:
        written = json.dumps({"version_info": str(self.version), "resources": resources})
        new = self.folder / SLOT / f".{kind}.new"
        new.write_text(written)
        new.rename(self.folder / SLOT / f"{kind}.json")

    def await_ready(self) -> None:
        # httpx does not close a socket that could not connect, which would be a warning.
        _poll(self._accepts, "Envoy to start", self.log)
        _poll(lambda: self._admin.get("/ready").text == "LIVE\n", "Envoy to be ready", self.log)

    def _accepts(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"Envoy has ended: {self.log()}")
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.socket("admin"))) == 0

    def _await_versions(self, wanted: Mapping[str, str]) -> None:
        _poll(lambda: wanted.items() <= self.stats("version_text$").items(), f"{wanted}", self.log)

    def stats(self, pattern: str) -> dict[str, str]:
        """The statistics whose names match, as Envoy prints them."""
        lines = self._admin.get("/stats", params={"filter": pattern}).text.splitlines()
        return dict(line.split(": ", 1) for line in lines)

    def log(self) -> str:
        return (self.folder / "log").read_text()[-2000:]

    def ask(
        self,
        path: str = "/",
        *,
        host: str = "gateway.test",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        port: int = PORT,
    ) -> Answer:
        if port not in self._clients:
            self._clients[port] = self.client(port)
        client = self._clients[port]
        request = client.build_request(method, "/", headers={"host": host, **(headers or {})})
        # As it is written: httpx would normalise it.
        request.url = request.url.copy_with(raw_path=path.encode())
        return Answer(client.send(request))

    def close(self) -> None:
        self._admin.close()
        for client in self._clients.values():
            client.close()


@contextlib.contextmanager
def run_slot() -> Iterator[Slot]:
    # Unix socket paths end at 107 characters, so not pytest's folder.
    with tempfile.TemporaryDirectory(prefix="egx-", dir="/tmp") as name:
        folder = Path(name)
        (folder / SLOT).mkdir()
        for kind in ("lds", "cds"):
            (folder / SLOT / f"{kind}.json").write_text('{"version_info": "0", "resources": []}')
        (folder / "boot.json").write_text(json.dumps(slot_bootstrap(directory=SLOT, node="test")))
        argv = [str(ENVOY), "-c", "boot.json", "--disable-hot-restart", "--concurrency", "1"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*argv, "--log-level", "warning"], cwd=folder, stdout=log, stderr=subprocess.STDOUT
            )
        slot = Slot(folder, process)
        try:
            slot.await_ready()
            yield slot
        finally:
            slot.close()
            process.kill()
            process.wait()


def validate(config: Resource, folder: Path) -> str:
    """Envoy's own verdict on a bootstrap: empty, or what is wrong with it."""
    file = folder / "check.json"
    file.write_text(json.dumps(config))
    argv = [str(ENVOY), "--mode", "validate", "-c", str(file), "--disable-hot-restart"]
    said = subprocess.run([*argv, "--log-level", "error"], capture_output=True, text=True, check=False)
    return said.stderr if said.returncode else ""


def _poll(condition: Callable[[], bool], what: str, log: Callable[[], str]) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"waited {DEADLINE_SECONDS} s for {what}; Envoy's log: {log()}")
        time.sleep(0.005)
