"""Others that switch between two back ends, each used as its documentation says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from bench import proxying
from bench.rig import MissingError, backend_process, free_port, short_folder, tool
from egx_project.proof import releases
from egx_project.proof.running import await_port


class Peer(Protocol):
    @property
    def port(self) -> int: ...

    def switch(self) -> None:
        """Put the other back end in the place of the one that serves."""

    def switch_half(self) -> None:
        """Begin to, and die in the middle."""


@dataclass
class StopStart:
    """An Envoy that is stopped, and another started in its place: what an update of a container does."""

    folder: Path
    port: int
    backends: tuple[int, int]
    process: subprocess.Popen[bytes] | None = None
    to: int = 0

    def start(self) -> None:
        config = self.folder / "envoy.json"
        there = ("127.0.0.1", self.backends[self.to])
        config.write_text(json.dumps(proxying.config(("127.0.0.1", self.port), there)))
        argv = [str(releases.installed_binary()), "-c", str(config), "--disable-hot-restart", "--concurrency", "2",
                "-l", "error"]  # fmt: skip
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_port(self.port)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def switch(self) -> None:
        self.stop()
        self.to = 1 - self.to
        self.start()

    def switch_half(self) -> None:
        self.stop()  # and whoever was to start the other is dead


NGINX = """\
pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 2;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream web {{ server 127.0.0.1:{backend}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""

HAPROXY = """\
global
  stats socket {folder}/admin.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend web
  bind 127.0.0.1:{port}
  default_backend web
backend web
  server web 127.0.0.1:{backend}
"""


@dataclass
class Reloaded:
    """A program that reads a file again when it is told to."""

    file: Path
    template: str
    port: int
    backends: tuple[int, int]
    reload_argv: list[str]
    pid: int = 0
    to: int = 0

    def write(self) -> None:
        text = self.template.format(folder=self.file.parent, port=self.port, backend=self.backends[self.to])
        self.file.write_text(text)

    def switch(self) -> None:
        self.switch_half()
        if self.reload_argv:
            subprocess.run(self.reload_argv, check=True, capture_output=True)
        else:
            os.kill(self.pid, signal.SIGUSR2)

    def switch_half(self) -> None:
        self.to = 1 - self.to
        self.write()  # and whoever was to ask for the reload is dead


@dataclass
class Caddy:
    port: int
    admin: int
    backends: tuple[int, int]
    to: int = 0

    def config(self) -> dict[str, Any]:
        proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{self.backends[self.to]}"}]}
        server = {"listen": [f"127.0.0.1:{self.port}"], "routes": [{"handle": [proxy]}],
                  "automatic_https": {"disable": True}}  # fmt: skip
        return {
            "admin": {"listen": f"127.0.0.1:{self.admin}"},
            "logging": {"logs": {"default": {"level": "ERROR"}}},
            "apps": {"http": {"servers": {"web": server}}},
        }

    def switch(self) -> None:
        self.to = 1 - self.to
        address = f"http://127.0.0.1:{self.admin}/load"
        httpx.post(address, json=self.config(), trust_env=False, timeout=30).raise_for_status()

    def switch_half(self) -> None:
        """One request to its API: it is made, or it is not. Whoever was to make it is dead."""


@contextmanager
def _started(argv: list[str], port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def _backends() -> Iterator[tuple[int, int]]:
    with backend_process() as one, backend_process() as two:
        yield one, two


@contextmanager
def stop_start() -> Iterator[Peer]:
    with short_folder() as folder, _backends() as backends:
        peer = StopStart(folder, free_port(), backends)
        peer.start()
        try:
            yield peer
        finally:
            peer.stop()


@contextmanager
def nginx() -> Iterator[Peer]:
    binary = tool("nginx")
    with short_folder() as folder, _backends() as backends:
        file = folder / "nginx.conf"
        argv = [binary, "-c", str(file), "-e", str(folder / "error.log")]
        peer = Reloaded(file, NGINX, free_port(), backends, reload_argv=[*argv, "-s", "reload"])
        peer.write()
        with _started([*argv, "-g", "daemon off;"], peer.port, folder):
            yield peer


@contextmanager
def haproxy() -> Iterator[Peer]:
    binary = tool("haproxy")
    with short_folder() as folder, _backends() as backends:
        peer = Reloaded(folder / "haproxy.cfg", HAPROXY, free_port(), backends, reload_argv=[])
        peer.write()
        argv = [binary, "-W", "-f", str(peer.file), "-p", str(folder / "haproxy.pid")]
        with _started(argv, peer.port, folder) as process:
            peer.pid = process.pid
            yield peer


@contextmanager
def caddy() -> Iterator[Peer]:
    binary = tool("caddy")
    with short_folder() as folder, _backends() as backends:
        peer = Caddy(free_port(), free_port(), backends)
        file = folder / "caddy.json"
        file.write_text(json.dumps(peer.config()))
        with _started([binary, "run", "--config", str(file)], peer.port, folder):
            yield peer


@dataclass
class KamalProxy:
    binary: str
    port: int
    backends: tuple[int, int]
    environment: dict[str, str]
    to: int = 0

    def deploy(self) -> None:
        argv = [self.binary, "deploy", "web", "--target", f"127.0.0.1:{self.backends[self.to]}",
                "--health-check-path", "/health"]  # fmt: skip
        subprocess.run(argv, env=self.environment, check=True, capture_output=True, timeout=60)

    def switch(self) -> None:
        self.to = 1 - self.to
        self.deploy()

    def switch_half(self) -> None:
        self.to = 1 - self.to
        argv = [self.binary, "deploy", "web", "--target", f"127.0.0.1:{self.backends[self.to]}",
                "--health-check-path", "/health"]  # fmt: skip
        asking = subprocess.Popen(argv, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        asking.kill()
        asking.wait()


@contextmanager
def kamal_proxy() -> Iterator[Peer]:
    binary = shutil.which("kamal-proxy")
    if binary is None:
        raise MissingError("kamal-proxy is not on the path")
    with short_folder() as folder, _backends() as backends:
        environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }
        peer = KamalProxy(binary, free_port(), backends, environment)
        argv = [binary, "run", "--http-port", str(peer.port), "--https-port", str(free_port())]
        process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await_port(peer.port)
            peer.deploy()
            yield peer
        finally:
            process.terminate()
            process.wait(timeout=30)
