"""The scaled stack, in processes of its own: PostgreSQL, Redis, two web servers, two workers, beat."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from egx_project.lib.clock import SystemClock, wait_for
from tests.acceptance.flow import Script
from tests.e2e.running import Egx, get, is_listening, quiet_port
from tests.services.machines import PostgreSQL, Redis

WEBS = ("web-1", "web-2")
WORKERS = ("worker-1", "worker-2")
START_SECONDS = 60.0


class Stack(Egx):
    """Over one data directory, as the hosts of one node share it."""

    def __init__(self, postgresql: PostgreSQL, redis: Redis) -> None:
        super().__init__(
            DATABASE_URL=postgresql.url_of("egx"),
            REDIS_URL=redis.url,
            EGX_SECRET_KEY=secrets.token_hex(20),
            EGX_NODE="here",
            DJANGO_SETTINGS_MODULE="egx_project.settings.main",
        )
        self.postgresql, self.redis = postgresql, redis
        self.ports = {name: quiet_port() for name in WEBS}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def prepare(self) -> str:
        """Make the database and a target; the secret of an admin's token."""
        import psycopg

        with psycopg.connect(self.postgresql.url_of("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE egx")
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=self.environment, check=True, cwd=Path(__file__).parents[2])
        return self.python(
            "from datetime import timedelta\n"
            "from egx_project.access import people, services\n"
            "from egx_project.access.roles import Role\n"
            "print(services.create_token(user=people.owner(), name='t', role=Role.ADMIN,"
            " lifetime=timedelta(days=1), by='test')[1])"
        )

    def argv(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "egx_project"]
        if name in WEBS:
            uvicorn = [sys.executable, "-m", "uvicorn", "egx_project.asgi:application", "--ws", "websockets-sansio"]
            return [*uvicorn, "--host", "127.0.0.1", "--port", str(self.ports[name]), "--no-access-log"]
        if name in WORKERS:
            return [*celery, "worker", "--concurrency", "2", "--hostname", f"{name}@%h", "--without-gossip"]
        return [*celery, "beat"]

    def start_all(self) -> None:
        for name in (*WEBS, *WORKERS, "beat"):
            self.launch(name)
        for name in WEBS:
            self.await_web(name)

    def launch(self, name: str) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.argv(name),
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_web(self, name: str) -> None:
        ready = wait_for(
            lambda: (is_listening(self.ports[name]) and get(self.ports[name], "/health/ready").status == 200) or None,
            clock=SystemClock(),
            seconds=START_SECONDS,
            every=0.1,
        )
        assert ready, (self.home / f"{name}.log").read_text()

    def kill(self, name: str) -> None:
        """SIGKILL of the process and its children, and back again, as a service manager would."""
        process = self.processes[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.launch(name)
        if name in WEBS:
            self.await_web(name)

    def script(self, token: str) -> Script:
        return Script([f"http://127.0.0.1:{self.ports[name]}" for name in WEBS], token)

    def logs(self) -> str:
        return "\n".join(f"== {file.name}\n{file.read_text()[-3000:]}" for file in sorted(self.home.glob("*.log")))

    def __exit__(self, *stopped: object) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        super().__exit__(*stopped)


@contextlib.contextmanager
def scaled() -> Iterator[tuple[Stack, Script]]:
    with PostgreSQL() as postgresql, Redis() as redis, Stack(postgresql, redis) as stack:
        token = stack.prepare()
        stack.start_all()
        script = stack.script(token)
        script.ask("POST", "/targets", {"name": "local", "kind": "process", "node": "here"})
        try:
            yield stack, script
        finally:
            script.close()
