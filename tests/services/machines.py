"""Real PostgreSQL and Redis of a test's own, on loopback, in a folder that goes with them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Self

from egx_project.lib.clock import SystemClock, wait_for
from tests.hosts import free_port

START_SECONDS = 30.0
POSTGRES_USER = "postgres"
"""Who runs PostgreSQL where the test is run by root, which it refuses."""


def programs() -> dict[str, str | None]:
    """Where the programs are that this needs; None for one that is missing."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    path = os.pathsep.join([*(str(found) for found in reversed(versions)), os.environ.get("PATH", "")])
    return {name: shutil.which(name, path=path) for name in ("redis-server", "initdb", "postgres")}


def missing() -> str:
    """Why services cannot be started here; empty when they can."""
    absent = [name for name, found in programs().items() if found is None]
    return f"{', '.join(absent)} not installed (Debian: redis-server, postgresql)" if absent else ""


class Service:
    """One server process."""

    def __init__(self, folder: Path, argv: list[str]) -> None:
        self.folder = folder
        self.argv = argv
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self.argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        ready = wait_for(lambda: self.answers() or None, clock=SystemClock(), seconds=START_SECONDS)
        assert ready, (self.folder / "log").read_text()

    def answers(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """SIGKILL, for the whole group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def end(self) -> None:
        self.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *stopped: object) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Service):
    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="egx-redis-", dir="/tmp"))
        port = free_port()
        argv = [str(programs()["redis-server"]), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        super().__init__(folder, argv)
        self.port = port

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


class PostgreSQL(Service):
    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="egx-pg-", dir="/tmp"))
        port = free_port()
        as_user = []
        if os.geteuid() == 0:
            shutil.chown(folder, POSTGRES_USER, POSTGRES_USER)
            as_user = ["setpriv", f"--reuid={POSTGRES_USER}", f"--regid={POSTGRES_USER}", "--clear-groups"]
        data = str(folder / "data")
        made = [str(programs()["initdb"]), "-D", data, "-A", "trust", "-U", "egx", "-E", "UTF8", "--no-sync"]
        subprocess.run([*as_user, *made], check=True, cwd=folder, capture_output=True)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": str(folder),
            "fsync": "off",
        }
        given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        super().__init__(folder, [*as_user, str(programs()["postgres"]), "-D", data, *given])
        self.port = port

    def answers(self) -> bool:
        """Not only that it listens: while it recovers it refuses."""
        import psycopg

        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=2) as connection:
                return bool(connection.execute("SELECT 1").fetchone())
        except psycopg.OperationalError:
            return False

    def url_of(self, database: str) -> str:
        return f"postgres://egx@127.0.0.1:{self.port}/{database}"

    def end(self) -> None:
        """SIGQUIT is PostgreSQL's immediate shutdown: its children end too."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def crash(self) -> None:
        """As after a power cut, and back again."""
        self.end()
        self.start()
