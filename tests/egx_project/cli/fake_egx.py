"""An EGX that says what a test tells it to, on a real Unix socket."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

API = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    body: Any
    status: int = 200
    kind: str = "application/json"

    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def problem(status: int, title: str, detail: str, **more: Any) -> Answer:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return Answer(body, status=status, kind="application/problem+json")


def operation(number: int = 3, state: str = "running", *steps: str, **more: Any) -> dict[str, Any]:
    """An operation with one step for each state in `steps`."""
    names = ("preflight", "start_slot", "switch_traffic")
    return {
        "id": number,
        "kind": "deploy",
        "gateway": "demo",
        "state": state,
        "attempt": 1,
        "error": "",
        "hint": "",
        "created_at": "2026-11-24T00:00:00Z",
        "started_at": None,
        "finished_at": None,
        "steps": [
            {
                "index": index,
                "name": names[index],
                "cause": "not there",
                "state": state,
                "error": "",
                "result": {},
            }
            for index, state in enumerate(steps)
        ],
        "plan": "",
        "result": {},
        **more,
    }


Answering = Callable[[Seen], Answer]


@dataclass
class FakeEgx:
    """`answers`: "METHOD /path" to what is answered; `plays`: an operation to its states, one a look."""

    folder: Path
    answers: dict[str, Answer | Answering] = field(default_factory=dict)
    plays: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """The operations whose last state has been looked at: of those there is no more news."""

    def __post_init__(self) -> None:
        self.socket = self.folder / "egx.sock"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def reset(self) -> None:
        for kept in (self.answers, self.plays, self.seen, self.told):
            kept.clear()

    def start(self) -> None:
        if self._server is not None:
            return
        config = uvicorn.Config(
            self._serve,
            uds=str(self.socket),
            interface="asgi3",
            lifespan="off",
            proxy_headers=False,
            ws="none",
            log_config=None,
            log_level="critical",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the fake EGX does not start"
            time.sleep(0.005)

    def stop(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()
        self._server = self._thread = None

    def play(self, number: int, *states: dict[str, Any]) -> None:
        self.plays[str(number)] = list(states)
        self.told.discard(str(number))

    def requests(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        seen = Seen(
            method=scope["method"],
            path=scope["raw_path"].decode().removeprefix(API),
            query=dict(parse_qsl(scope["query_string"].decode())),
            body=json.loads(body) if body else None,
        )
        self.seen.append(seen)
        answer = await self._answer(seen)
        headers = [(b"content-type", answer.kind.encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content()})

    async def _answer(self, seen: Seen) -> Answer:
        scripted = self.answers.get(f"{seen.method} {seen.path}")
        if scripted is not None:
            return scripted(seen) if callable(scripted) else scripted
        number = seen.path.removeprefix("/operations/")
        if seen.method == "GET" and number in self.plays:
            states = self.plays[number]
            if len(states) > 1:
                return Answer(states.pop(0))
            self.told.add(number)
            return Answer(states[0])
        if seen.path == "/events":
            return await self._events(seen)
        return problem(404, "Not found", f"nothing at {seen.path}")

    async def _events(self, seen: Seen) -> Answer:
        """News while a play goes on, else the long wait of the real one."""
        deadline = time.monotonic() + float(seen.query["wait"])
        while time.monotonic() < deadline and not self._goes_on():
            if self._server is None or self._server.should_exit:
                break
            await asyncio.sleep(0.01)
        return Answer({"items": [], "last": int(seen.query["since"]) + 1, "reset": False})

    def _goes_on(self) -> bool:
        return bool(self.plays.keys() - self.told)


def changed(*operations: dict[str, Any], warnings: Sequence[dict[str, Any]] = ()) -> Answer:
    """The answer to an apply that made a gateway and changed a route."""
    changes = [
        {"action": "create", "kind": "Gateway", "namespace": "default", "name": "demo"},
        {"action": "update", "kind": "HTTPRoute", "namespace": "shop", "name": "web"},
    ]
    return Answer({"changes": changes, "warnings": list(warnings), "operations": list(operations)}, status=202)
