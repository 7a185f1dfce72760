"""HTTP/2 with prior knowledge: many requests at once on each of a few connections.

A server that goes away says so (GOAWAY); what it had not begun by then is asked again elsewhere, as a client may
(RFC 9113, section 6.8). Anything else that ends a request is its failure.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from egx_project.load.http1 import OK, BrokenError, NoConnectionError

FRAME_HEAD = 9
"""Length, type, flags, stream: RFC 9113, section 4.1."""
GOAWAY = 0x7
ANSWERS_AT_MOST = 2**31 - 1


class _NotBegunError(Exception):
    """The server has not looked at the request, and says so."""


@dataclass
class _Stream:
    done: asyncio.Future[None]
    status: int = 0


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    h2: h2.connection.H2Connection
    streams: dict[int, _Stream] = field(default_factory=dict)
    going_away: bool = False
    pump: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise NoConnectionError(error.strerror or str(error)) from error
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        made = cls(reader, writer, h2.connection.H2Connection(config=config))
        made.h2.initiate_connection()
        made._flush()
        made.pump = asyncio.create_task(made._read())
        return made

    @property
    def usable(self) -> bool:
        return not self.going_away and not self.writer.is_closing()

    async def get(self, path: str, *, authority: str) -> None:
        """Raises BrokenError, or _NotBegunError."""
        try:
            number = self.h2.get_next_available_stream_id()
            head = [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", path)]
            self.h2.send_headers(number, head, end_stream=True)
        except h2.exceptions.ProtocolError as error:
            self.going_away = True
            self._close_when_empty()
            raise _NotBegunError from error
        stream = self.streams[number] = _Stream(asyncio.get_running_loop().create_future())
        self._flush()
        try:
            await stream.done
        finally:
            self.streams.pop(number, None)
            self._close_when_empty()
        if stream.status != OK:
            raise BrokenError(f"status {stream.status}")

    async def _read(self) -> None:
        try:
            while True:
                head = await self.reader.readexactly(FRAME_HEAD)
                body = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
                if head[3] == GOAWAY:  # after which the library would hear of no stream that still runs
                    self._leave(last=int.from_bytes(body[:4], "big") & ANSWERS_AT_MOST)
                    continue
                for event in self.h2.receive_data(head + body):
                    self._see(event)
                self._flush()
        except asyncio.IncompleteReadError:
            self._end("closed")
        except (OSError, h2.exceptions.ProtocolError) as error:
            self._end(f"{type(error).__name__}: {error}")

    def _see(self, event: object) -> None:
        match event:
            case h2.events.ResponseReceived():
                if stream := self.streams.get(event.stream_id):
                    stream.status = int(next(value for name, value in event.headers if name in {":status", b":status"}))
            case h2.events.DataReceived():
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                if (stream := self.streams.get(event.stream_id)) and not stream.done.done():
                    stream.done.set_result(None)
            case h2.events.StreamReset():
                unseen = event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
                self._fail(event.stream_id, _NotBegunError() if unseen else BrokenError(f"reset {event.error_code}"))

    def _leave(self, *, last: int) -> None:
        """The server takes nothing more; what it will not answer is known by its number."""
        self.going_away = True
        for number in [number for number in self.streams if number > last]:
            self._fail(number, _NotBegunError())
        self._close_when_empty()

    def _close_when_empty(self) -> None:
        if self.going_away and not self.streams:
            self.writer.close()

    def _fail(self, number: int, error: Exception) -> None:
        stream = self.streams.get(number)
        if stream and not stream.done.done():
            stream.done.set_exception(error)

    def _end(self, why: str) -> None:
        self.going_away = True
        self.writer.close()
        for number in list(self.streams):
            self._fail(number, BrokenError(why))

    def _flush(self) -> None:
        if data := self.h2.data_to_send():
            self.writer.write(data)


class Http2:
    def __init__(self, host: str, port: int, authority: str, *, connections: int) -> None:
        self.host = host
        self.port = port
        self.authority = authority
        self._slots: list[asyncio.Task[Connection] | None] = [None] * connections
        self._next = 0
        self.asked_again = 0

    async def get(self, path: str) -> None:
        for _again in range(3):
            connection = await self._connection()
            try:
                return await connection.get(path, authority=self.authority)
            except _NotBegunError:
                self.asked_again += 1
        raise BrokenError("no connection took it in three tries")

    async def _connection(self) -> Connection:
        self._next = (self._next + 1) % len(self._slots)
        place = self._next
        opened = self._slots[place]
        if opened is None or (opened.done() and (opened.exception() or not opened.result().usable)):
            opened = self._slots[place] = asyncio.create_task(Connection.open(self.host, self.port))
        return await asyncio.shield(opened)

    async def close(self) -> None:
        opened = await asyncio.gather(*filter(None, self._slots), return_exceptions=True)
        for connection in opened:
            if isinstance(connection, Connection):
                connection.writer.close()
                if connection.pump:
                    connection.pump.cancel()
