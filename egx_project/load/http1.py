"""HTTP/1.1 as a careful client speaks it: one request at a time on a connection, nothing sent twice."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

OK = 200
LARGEST_HEAD = 64 * 1024


class NoConnectionError(Exception):
    """Nobody took the connection."""


class BrokenError(Exception):
    """The answer is missing, not whole, or not 200."""


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        try:
            return cls(*await asyncio.open_connection(host, port, limit=LARGEST_HEAD))
        except OSError as error:
            raise NoConnectionError(error.strerror or str(error)) from error

    async def get(self, path: str, *, authority: str, close: bool = False) -> bool:
        """Whether the connection may be used again. Raises BrokenError."""
        ends = "connection: close\r\n" if close else ""
        try:
            self.writer.write(f"GET {path} HTTP/1.1\r\nhost: {authority}\r\n{ends}\r\n".encode())
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, headers = _parse(head)
            await self.reader.readexactly(int(headers["content-length"]))
        except (OSError, EOFError, asyncio.LimitOverrunError, KeyError, ValueError) as error:
            raise BrokenError(f"{type(error).__name__}: {error}") from error
        if status != OK:
            raise BrokenError(f"status {status}")
        return headers.get("connection", "").lower() != "close"

    @property
    def usable(self) -> bool:
        """False once the other side has closed it, which between two requests is its right (RFC 9112 section 9.3)."""
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()


def _parse(head: str) -> tuple[int, dict[str, str]]:
    status_line, *lines = head.strip().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(status_line.split(" ", 2)[1]), headers


class KeepAlive:
    """As many connections as are needed at once, each used as long as the server likes, in turn."""

    def __init__(self, host: str, port: int, authority: str) -> None:
        self.host = host
        self.port = port
        self.authority = authority
        self._idle: deque[Connection] = deque()

    async def get(self, path: str) -> None:
        connection = self._take() or await Connection.open(self.host, self.port)
        try:
            if await connection.get(path, authority=self.authority):
                self._idle.append(connection)
                return
        except BaseException:
            connection.close()
            raise
        connection.close()

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.popleft()
            if connection.usable:
                return connection
            connection.close()
        return None

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class Fresh:
    """A connection for each request."""

    def __init__(self, host: str, port: int, authority: str) -> None:
        self.host = host
        self.port = port
        self.authority = authority

    async def get(self, path: str) -> None:
        connection = await Connection.open(self.host, self.port)
        try:
            await connection.get(path, authority=self.authority, close=True)
        finally:
            connection.close()

    async def close(self) -> None:
        pass
