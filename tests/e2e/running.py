"""An EGX of the test's own, run as people run it: `egx …` in a process, with its own data directory and ports."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
import pytest

from egx_project.cli.client import Client
from egx_project.lib.clock import SystemClock, wait_for
from egx_project.lib.errors import UnreachableError
from egx_project.settings.location import socket_path

Seen = TypeVar("Seen")

COMMAND_SECONDS = 90.0
DEADLINE_SECONDS = 30.0
PRIVILEGES = "-net_bind_service,-dac_override,-dac_read_search"
"""Without these, root opens no port below 1024 and no file that its mode forbids."""
OWN_SETTINGS = ("EGX_", "DJANGO_")
"""Of the environment that pytest runs in, nothing of these may reach the EGX under test."""
OWN_VARIABLES = frozenset({"PORT", "HOST", "DATABASE_URL", "REDIS_URL"})


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Egx:
    """One data directory and whatever runs over it."""

    def __init__(self, **settings: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="egx-", dir="/tmp"))  # short: Unix sockets lie below it
        self.port = quiet_port()
        self.demo_port = quiet_port()
        self.settings = settings
        self.interpreter = sys.executable
        self.folder: Path | None = None
        """Where commands are run: Python looks there first for the code of EGX. None: where the tests are run."""
        self.prefix: list[str] = []
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *stopped: object) -> None:
        self.end()

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(OWN_SETTINGS) and name not in OWN_VARIABLES
        }
        own = {"EGX_DATA_DIR": str(self.home), "PORT": str(self.port), "EGX_DEMO_PORT": str(self.demo_port)}
        return inherited | own | self.settings

    # --- commands -----------------------------------------------------------------------------------------------

    def run(self, *arguments: str, stdin: str = "", **settings: str) -> Said:
        """`egx ARGUMENTS`, to its end."""
        done = subprocess.run(
            [*self.prefix, self.interpreter, "-m", "egx_project.cli", *arguments],
            env=self.environment | settings,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def do(self, *arguments: str, stdin: str = "") -> Said:
        """`egx ARGUMENTS`, which must end well."""
        said = self.run(*arguments, stdin=stdin)
        assert said.code == 0, said
        return said

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`egx up ARGUMENTS` in the foreground of a session of its own, as in a terminal of its own."""
        process = subprocess.Popen(
            [self.interpreter, "-m", "egx_project.cli", "up", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def python(self, body: str) -> str:
        """What a body of Python prints that runs with EGX's rows: for what no command asks for yet."""
        script = f"import django; django.setup()\n{body}"
        settings = {"DJANGO_SETTINGS_MODULE": "egx_project.settings.main"}
        done = subprocess.run(
            [self.interpreter, "-c", script],
            env=self.environment | settings,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def give_up_privileges(self) -> None:
        """From here on, run as somebody who is not root may. Skips the test where root cannot do so."""
        if os.geteuid() != 0:
            return
        if shutil.which("setpriv") is None:
            pytest.skip("root may do everything, and there is no setpriv here to give that up")
        self.prefix = ["setpriv", "--bounding-set", PRIVILEGES]

    # --- looking ------------------------------------------------------------------------------------------------

    def ask(self, path: str, **params: str | int) -> Any:
        """The API's answer, over the socket."""
        with Client(socket_path(self.home)) as client:
            return client.get(path, params)

    @contextlib.contextmanager
    def browsing(self) -> Iterator[httpx.Client]:
        """A browser without a screen, logged in by a link."""
        with httpx.Client(base_url=f"http://localhost:{self.port}", follow_redirects=True, trust_env=False) as browser:
            entered = browser.get(self.do("token", "login").out.strip())
            assert entered.status_code == http.HTTPStatus.OK, entered.text
            yield browser

    def pid(self) -> int:
        return int(json.loads((self.home / "egx.json").read_text())["pid"])

    def await_answers(self) -> None:
        """Return when it answers over the socket."""

        def look() -> bool | None:
            with contextlib.suppress(UnreachableError):
                return self.ask("/status") is not None
            return None

        await_that(look, "EGX answers")

    def operation_in(self, number: int | str, *states: str) -> dict[str, Any]:
        """The operation, once it is in one of these states."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.ask(f"/operations/{number}")
            return found if found["state"] in states else None

        return await_that(look, f"operation {number} is {' or '.join(states)}")

    def tell(self, path: str, **body: object) -> Any:
        """The API's answer to a request for change, over the socket."""
        with Client(socket_path(self.home)) as client:
            return client.post(path, body)

    def everything(self) -> dict[str, Any]:
        """What is desired, and what became of it."""
        with Client(socket_path(self.home)) as client:
            listed = {kind: client.get(f"/{kind}") for kind in ("gateways", "routes", "operations")}
            return listed | {"manifests": client.get_text("/export")}

    # --- ending -------------------------------------------------------------------------------------------------

    def kill_group(self) -> None:
        """`kill -9` of all processes of EGX itself."""
        leader = psutil.Process(self.pid())
        group = os.getpgid(leader.pid)
        assert group != os.getpgrp()
        os.killpg(group, signal.SIGKILL)
        for process in self._started:
            process.wait()
        with contextlib.suppress(psutil.NoSuchProcess):
            leader.wait(DEADLINE_SECONDS)

    def end(self) -> None:
        """End every process that works here, and remove all."""
        for process in self._started:
            process.kill()
            process.communicate()
        await_that(self._end_processes, "nothing runs in the data directory")
        shutil.rmtree(self.home, ignore_errors=True)

    def _end_processes(self) -> bool | None:
        """Again until none is left: EGX starts those that it misses, until it is dead itself."""
        found = self._processes()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return not found or None

    def _processes(self) -> list[psutil.Process]:
        """EGX's own and those it started: the data directory is where they work, or in their environment."""
        return [process for process in psutil.process_iter() if self._works_here(process)]

    def _works_here(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            if Path(process.cwd()).is_relative_to(self.home):
                return True
            return process.environ().get("EGX_DATA_DIR") == str(self.home)
        return False


def await_that(look: Callable[[], Seen | None], what: str, *, seconds: float = DEADLINE_SECONDS) -> Seen:
    seen = wait_for(look, clock=SystemClock(), seconds=seconds, every=0.01)
    assert seen is not None, f"not in {seconds:g} s: {what}"
    return seen


_given: set[int] = set()


def quiet_port() -> int:
    """A free port from which no outgoing connection takes its own; another one each time, in each xdist worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = range(10_000 + worker, 20_000, workers)
    while True:
        port = random.choice(mine)
        with closing(socket.socket()) as probe:
            if port not in _given and probe.connect_ex(("127.0.0.1", port)) != 0:
                _given.add(port)
                return port


@contextlib.contextmanager
def backend_process(instance: str) -> Iterator[int]:
    """The port of EGX's test backend, run beside EGX."""
    port = quiet_port()
    argv = [sys.executable, "-m", "egx_project.test_backend", "--port", str(port), "--instance", instance]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_that(lambda: is_listening(port) or None, "the backend listens")
        yield port
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Answer:
    status: int
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(port: int, path: str = "/", **headers: str) -> Answer:
    """One request on a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return Answer(status=answer.status, body=answer.read().decode())


def is_listening(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Stream:
    """An answer of the test backend that comes in parts until the client leaves."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)
        self._connection.request("GET", "/?stream=100000&every=0.05")
        self._answer = self._connection.getresponse()
        assert self._answer.status == http.HTTPStatus.OK
        self.read()

    def read(self) -> str:
        """The next part."""
        part = b""
        while not part.endswith(b"\n\n"):
            line = self._answer.readline()
            assert line, "the stream has ended"
            part += line
        return part.decode()

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@contextlib.contextmanager
def streaming(port: int) -> Iterator[Stream]:
    stream = Stream(port)
    try:
        yield stream
    finally:
        stream.close()
