"""The API of the EGX on this host, over its Unix socket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from egx_project.cli.errors import AnswerError, BrokenOffError, NotRunningError
from egx_project.cli.http import httpx
from egx_project.lib.errors import BadInputError, EgxError, ForbiddenError
from egx_project.settings.location import data_dir, socket_path

API = "http://egx/api/v1"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""A plan of many objects may look at every engine first."""

Params = Mapping[str, str | int | None]


def connect() -> Client:
    """The EGX of `EGX_DATA_DIR`; nothing is sent before the first request."""
    return Client(socket_path(data_dir()))


def path_of(*parts: str | int) -> str:
    """A path below /api/v1; what a user typed cannot leave its segment. Raises BadInputError."""
    for part in parts:
        if part in {"", ".", ".."}:
            raise BadInputError(f"{part!r} is not a name")
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


class Client:
    def __init__(self, path: Path) -> None:
        self._path = path
        # trust_env: a proxy of the environment is for other hosts. verify: the socket speaks no TLS, and
        # loading the certificates costs more than the request.
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(path), verify=False, trust_env=False),
            trust_env=False,
            headers={"accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *stopped: object) -> None:
        self._http.close()

    def get(self, path: str, params: Params | None = None, *, seconds: float = ANSWER_SECONDS) -> Any:  # noqa: ANN401
        return _json(self._request("GET", path, params=params, seconds=seconds))

    def get_text(self, path: str, params: Params | None = None) -> str:
        return self._request("GET", path, params=params).text

    def post(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        params: Params | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> Any:  # noqa: ANN401
        return _json(self._request("POST", path, params=params, body=body or {}, seconds=seconds))

    def put(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401
        answer = self._request("PUT", path, body=body)
        return _json(answer) if answer.content else None

    def patch(self, path: str, body: Mapping[str, object], params: Params | None = None) -> Any:  # noqa: ANN401
        return _json(self._request("PATCH", path, params=params, body=body))

    def delete(self, path: str, params: Params | None = None) -> Any:  # noqa: ANN401
        answer = self._request("DELETE", path, params=params)
        return _json(answer) if answer.content else None

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, object] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> httpx.Response:
        given = {name: value for name, value in (params or {}).items() if value is not None}
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        _knock(self._path)
        try:
            answer = self._http.request(method, f"{API}{path}", params=given, json=body, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _not_running(self._path) from error
        except httpx.TransportError as error:
            raise _broken_off(error, changes=method != "GET") from error
        if answer.is_error:
            raise _answered_error(answer)
        return answer


def _json(answer: httpx.Response) -> Any:  # noqa: ANN401
    try:
        return answer.json()
    except ValueError as error:
        raise EgxError("EGX gave an answer that is not JSON", hint="is `egx` of another version?") from error


def _knock(path: Path) -> None:
    """Raises where nobody listens. httpcore could tell, too, but leaves the socket of a failed connection open."""
    try:
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(CONNECT_SECONDS)
            knocking.connect(str(path))
    except PermissionError as error:
        raise ForbiddenError(
            f"{path} may be opened only by the user who started EGX", hint="run `egx` as that user"
        ) from error
    except OSError as error:
        if error.errno is None:  # Python's own: the path does not fit
            raise NotRunningError(
                f"{path} is too long for a Unix socket", hint="give EGX_DATA_DIR a shorter path"
            ) from error
        raise _not_running(path) from error


def _not_running(path: Path) -> NotRunningError:
    return NotRunningError(f"EGX is not running here (no answer at {path})", hint="`egx up` starts it")


def _broken_off(error: Exception, *, changes: bool) -> BrokenOffError:
    told = "gave no answer in time" if isinstance(error, httpx.TimeoutException) else "broke off the connection"
    hint = "the change may have been taken: look at `egx get operations`, or just repeat it" if changes else ""
    return BrokenOffError(f"EGX {told}", hint=hint)


def _answered_error(answer: httpx.Response) -> AnswerError:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, Mapping):
        problem = {}
    title = str(problem.get("title") or answer.reason_phrase or "Failed")
    problems = problem.get("problems")
    return AnswerError(
        str(problem.get("detail") or f"EGX answered {answer.status_code} {title}"),
        http_status=answer.status_code,
        title=title,
        hint=str(problem.get("hint") or ""),
        problems=problems if isinstance(problems, list) else (),
    )
