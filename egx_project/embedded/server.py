"""The HTTP server: the same application on a TCP port for browsers and on a Unix socket for the command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings

from egx_project.access.identity import SOCKET_MARK

Application = Callable[..., Awaitable[None]]


LARGEST_MESSAGE = 4096
"""Bytes that a WebSocket's client may send at once: EGX's sockets only tell."""
TICK_SECONDS = 1.0
"""How often the server renews the date that its answers carry."""


class Server(uvicorn.Server):
    """A server that leaves the process's signals to its caller, and that sleeps while nobody asks."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK_SECONDS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def marked(application: Application) -> Application:
    """The application as the command line reaches it: its requests are known to come over the socket."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401
        await application({**scope, SOCKET_MARK: True}, receive, send)

    return app


async def serve(application: Application, *, host: str, port: int, path: Path, on_started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    public, private = _server(application), _server(marked(application))
    sockets = _tcp(host, port), _unix(path)
    tasks = [
        asyncio.create_task(server.serve(sockets=[opened]))
        for server, opened in zip((public, private), sockets, strict=True)
    ]
    try:
        await _until_started((public, private), tasks)
        on_started()
        await asyncio.wait([asyncio.create_task(stop.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for server in (public, private):
            server.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        path.unlink(missing_ok=True)  # noqa: ASYNC240  one file, at the end


def _server(application: Application) -> Server:
    return Server(
        uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=LARGEST_MESSAGE,
            ws_per_message_deflate=False,
            limit_concurrency=settings.EGX_MOST_CONNECTIONS,
            timeout_graceful_shutdown=2,
        )
    )


async def _until_started(servers: tuple[Server, ...], tasks: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.01)


def _tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and answers wait 40 ms for an acknowledgement.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((host, port))
    return opened


def _unix(path: Path) -> socket.socket:
    """The instance lock is ours, so a socket that lies there is a dead one's."""
    path.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        opened.bind(os.fspath(path))
    finally:
        os.umask(before)
    return opened
