"""The connection to a Docker Engine: a client for each thread, and its errors made sentences."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import docker
import docker.errors
import requests
import urllib3

from deployments.drivers.docker.api.errors import DaemonError, explained, unreachable

LEAST_API = (1, 41)
SECONDS = 60
UNIX = "unix://"
Json = dict[str, Any]


class _Client(docker.APIClient):
    """Each thread has its own, and threads come and go: whoever is not needed any more leaves no connection open."""

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # it may not have come to be
            self.close()


class Connection:
    """To one Engine. Usable from several threads; nothing is asked before it is needed."""

    def __init__(self, host: str) -> None:
        self.host = host or usual_host()
        """`unix://…`, `tcp://…`, `npipe://…` or `ssh://…`."""
        self.calls = 0
        """Requests made of the Engine so far."""
        self._local = threading.local()

    def close(self) -> None:
        """Leave no connection of this thread open; the next question opens one."""
        opened, self._local.api = getattr(self._local, "api", None), None
        if opened is not None:
            opened.close()

    def info(self) -> Json:
        with self._asking("tell about itself"):
            return self._api.info()

    @property
    def api_version(self) -> tuple[int, int]:
        with self._asking("tell its version"):
            return _version(self._api.api_version)

    @property
    def is_desktop(self) -> bool:
        """Whether containers run in a virtual machine that this host has no route into."""
        return "docker desktop" in str(self.info().get("OperatingSystem", "")).lower()

    @property
    def cpus(self) -> int:
        """That containers may use."""
        return int(self.info().get("NCPU") or 1)

    # --- inside -----------------------------------------------------------------------------------------------------

    @property
    def _api(self) -> docker.APIClient:
        found = getattr(self._local, "api", None)
        if found is None:
            found = self._local.api = self._client(timeout=SECONDS)
            if _version(found.api_version) < LEAST_API:
                self._local.api = None
                raise DaemonError(
                    f"this Docker Engine speaks API {found.api_version}; EGX needs 1.41 or newer",
                    hint="update Docker to 20.10 or newer",
                )
        return cast("docker.APIClient", found)

    def _client(self, *, timeout: float) -> docker.APIClient:
        self._knock()
        with self._asking("answer", count=False):
            return _Client(base_url=self.host, version="auto", timeout=max(1, int(timeout)))

    def _knock(self) -> None:
        """Docker's client leaves a socket open that it could not connect, and says less of why."""
        if self.host.startswith(UNIX):
            with socket.socket(socket.AF_UNIX) as knocking:
                try:
                    knocking.connect(self.host.removeprefix(UNIX))
                except OSError as error:
                    raise unreachable(self.host, error) from error

    @contextlib.contextmanager
    def _asking(self, what: str, *, count: bool = True) -> Iterator[None]:
        if count:
            self.calls += 1
        try:
            yield
        except docker.errors.APIError as error:
            raise explained(what, error) from error
        except (
            docker.errors.DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            self._local.api = None
            raise unreachable(self.host, error) from error


def usual_host() -> str:
    """Where the `docker` command looks: its current context, which Docker Desktop sets, or the usual socket."""
    try:
        context = docker.ContextAPI.get_current_context()
        found = str(context.Host) if context else ""
    except (docker.errors.DockerException, OSError, ValueError, KeyError, TypeError, AttributeError):
        found = ""  # a configuration that is broken: `docker` itself falls back, too
    return found.replace("http+unix://", UNIX) or f"{UNIX}/var/run/docker.sock"


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)
