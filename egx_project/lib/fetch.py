"""Fetching from servers that are not ours: politely, bounded, and nothing half.

Proxies are those of the environment, as httpx reads them, though never for this host itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import random
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import httpx

from egx_project.lib import atomic, trust
from egx_project.lib.clock import Clock
from egx_project.lib.errors import BadInputError, EgxError

Got = TypeVar("Got")

LARGEST_JSON_BYTES = 16 * 1024 * 1024
MOST_REDIRECTS = 5
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
CHUNK_BYTES = 256 * 1024
METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Where clouds keep a host's own secrets, beside the link-local addresses."""
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""What OpenSSL calls an answer that is none of TLS's."""


class FetchError(EgxError):
    """It could not be had, or is not what it should be."""

    status: ClassVar[int] = 502
    exit_code: ClassVar[int] = 3
    title: ClassVar[str] = "Not to be had"

    def __init__(self, message: str, *, hint: str = "", answered: int = 0, after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.answered = answered
        """The HTTP status of the answer; 0 where there was none."""
        self.after = after
        """Seconds that the server asks to be left alone."""


class _TryAgainError(FetchError):
    """The same request may succeed later."""


@dataclass(frozen=True)
class Politeness:
    """How often, and with which pauses. All in seconds."""

    tries: int = 4
    first_pause: float = 0.5
    longest_pause: float = 30.0
    deadline: float = 300.0
    """No new try begins after so long, and no answer takes longer; a server that asks for more patience is not asked
    again now."""
    connect: float = 10.0
    read: float = 30.0


@dataclass(frozen=True)
class Answer:
    value: Any
    etag: str
    not_modified: bool


@dataclass(frozen=True)
class Reply:
    """Whatever a server answers."""

    status: int
    headers: Mapping[str, str]
    """Of names in lower case."""
    body: bytes
    url: str
    """Whose answer it is, after redirects."""


def client(politeness: Politeness | None = None) -> httpx.Client:
    """For several requests over the same connections. Raises FetchError."""
    polite = politeness or Politeness()
    try:
        believed = trust.context()
    except BadInputError as error:
        raise FetchError(error.message, hint=error.hint) from error
    return httpx.Client(
        timeout=httpx.Timeout(polite.read, connect=polite.connect),
        follow_redirects=False,
        verify=believed,
        mounts=dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]")),
    )


def ask(
    url: str,
    *,
    clock: Clock,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    size_limit: int = LARGEST_JSON_BYTES,
    politeness: Politeness | None = None,
    over: httpx.Client | None = None,
) -> Reply:
    """What the server answers, be it a refusal; redirects of what is only read are followed.

    `authorization` goes to the host of the address and to no other. Raises FetchError where there is no answer, or
    the server asks to be left alone.
    """

    def once(polite: Politeness) -> Reply:
        with _opened(url, dict(headers or {}), polite, method=method, content=content, over=over) as response:
            if response.status_code in TRY_AGAIN:
                _check_status(response, url)
            chunks = (
                () if method == "HEAD" else _bounded(response, size_limit, url, clock=clock, seconds=polite.deadline)
            )
            body = b"".join(chunks)
            known = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=response.status_code, headers=known, body=body, url=str(response.url))

    return _persist(once, politeness or Politeness(), clock)


def get_json(url: str, *, accept: str, clock: Clock, etag: str = "", politeness: Politeness | None = None) -> Answer:
    """The JSON at the address, unless it still has `etag`. Raises FetchError."""
    headers = {"accept": accept, **({"if-none-match": etag} if etag else {})}

    def once(polite: Politeness) -> Answer:
        with _opened(url, headers, polite) as response:
            _check_status(response, url)
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Answer(value=None, etag=etag, not_modified=True)
            kind = response.headers.get("content-type", "").split(";")[0].strip()
            if not kind.endswith("json"):
                raise FetchError(
                    f"{shown(url)} answers {kind or 'something'}, not JSON",
                    hint="a package index must speak the JSON form of the simple API (PEP 691)",
                )
            body = b"".join(_bounded(response, LARGEST_JSON_BYTES, url, clock=clock, seconds=polite.deadline))
            return Answer(value=_parsed(body, url), etag=response.headers.get("etag", ""), not_modified=False)

    return _persist(once, politeness or Politeness(), clock)


def _parsed(body: bytes, url: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _TryAgainError(f"{shown(url)} is no whole JSON: {error}") from error


def download(
    url: str, to: Path, *, sha256: str, size_limit: int, clock: Clock, politeness: Politeness | None = None
) -> None:
    """Put the file at `to`, whole and with this sha256, or raise FetchError and leave nothing."""

    def once(polite: Politeness) -> None:
        handle, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.", suffix=".tmp")
        temporary, digest = Path(name), hashlib.sha256()
        try:
            with _opened(url, {}, polite) as response, os.fdopen(handle, "wb") as file:
                _check_status(response, url)
                for chunk in _bounded(response, size_limit, url, clock=clock, seconds=polite.deadline):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if digest.hexdigest() != sha256:
                raise FetchError(
                    f"{shown(url)} has sha256 {digest.hexdigest()}, expected {sha256}",
                    hint="it was changed on the way or at its source; nothing of it was kept",
                )
            temporary.replace(to)
        except OSError as error:
            raise FetchError(
                f"{shown(url)} cannot be kept in {to.parent}: {error.strerror}", hint="free some space"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        atomic.sync_folder(to.parent)

    _persist(once, politeness or Politeness(), clock)


def _persist(once: Callable[[Politeness], Got], polite: Politeness, clock: Clock) -> Got:
    """Try, and try again later where that may help."""
    deadline = clock.monotonic() + polite.deadline
    for number in range(polite.tries):
        try:
            return once(polite)
        except _TryAgainError as error:
            pause = max(error.after, _backoff(number, polite))
            last = number == polite.tries - 1
            if last or clock.monotonic() + pause > deadline:
                tried = f"after {number + 1} tries" if number else "at the first try"
                raise FetchError(
                    f"{error.message} ({tried})", hint=error.hint, answered=error.answered, after=error.after
                ) from error
            clock.pause(pause)
    raise AssertionError("unreachable")


def _backoff(number: int, polite: Politeness) -> float:
    """Doubled each time, and nowhere at the same moment."""
    longest = min(polite.longest_pause, polite.first_pause * 2.0**number)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


@contextmanager
def _opened(
    url: str,
    headers: dict[str, str],
    polite: Politeness,
    *,
    method: str = "GET",
    content: bytes | None = None,
    over: httpx.Client | None = None,
) -> Iterator[httpx.Response]:
    """The answer, after redirects, its body not yet read. Raises FetchError where there is none."""
    with nullcontext(over) if over else client(polite) as asking:
        sent = {"user-agent": "egx", **headers}
        asked = url
        for _hop in range(MOST_REDIRECTS + 1):
            _refuse(asked, after=url)
            try:
                with asking.stream(method, asked, headers=sent, content=content) as response:
                    if response.has_redirect_location:
                        asked = _redirected(response, method=method, url=url)
                        if origin(asked) != origin(url):
                            sent.pop("authorization", None)
                        continue
                    yield response
                    return
            except (httpx.TransportError, httpx.StreamError) as error:
                raise _why_not(error, asked) from error
            except (httpx.InvalidURL, httpx.DecodingError) as error:
                raise FetchError(f"{shown(asked)}: {error}") from error
    raise FetchError(f"{shown(url)} redirects more than {MOST_REDIRECTS} times")


def _redirected(response: httpx.Response, *, method: str, url: str) -> str:
    if method not in {"GET", "HEAD"}:
        raise FetchError(f"{shown(url)} redirects what is sent to it, which EGX does not follow")
    return str(response.url.join(response.headers["location"]))


def _why_not(error: Exception, asked: str) -> FetchError:
    trouble = _tls_trouble(error)
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return FetchError(
            f"{shown(asked)} has a certificate that is not believed: {trouble.verify_message}",
            hint="if your company's own CA has signed it, name the CA's PEM file in EGX_CA_BUNDLE",
        )
    if trouble is not None and trouble.reason in NO_TLS:
        return FetchError(f"{shown(asked)} speaks no TLS", hint="is its port right?")
    why = str(error) or type(error).__name__
    return _TryAgainError(f"{shown(asked)} cannot be read: {why}", hint="is the network there?")


def _tls_trouble(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _check_status(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in TRY_AGAIN:
        raise _TryAgainError(
            f"{shown(url)} answers {status}",
            hint="it is busy, or has trouble of its own: try again later",
            answered=status,
            after=_retry_after(response),
        )
    if status == httpx.codes.NOT_FOUND:
        raise FetchError(f"{shown(url)} is not there (404)", hint="is the address of the channel right?")
    if status not in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
        raise FetchError(f"{shown(url)} answers {status}", hint="is the address of the channel right, and may you?")


def _retry_after(response: httpx.Response) -> float:
    """`Retry-After` in seconds (RFC 9110, section 10.2.3); 0 without."""
    text = response.headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    try:
        moment: datetime = parsedate_to_datetime(text)
        wait = moment - datetime.now(tz=UTC)
        return max(0.0, wait.total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _bounded(response: httpx.Response, limit: int, url: str, *, clock: Clock, seconds: float) -> Iterator[bytes]:
    """The body, refused as soon as it is too long or takes too long, and where it is shorter than it said."""
    until = clock.monotonic() + seconds
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise FetchError(f"{shown(url)} has {declared} bytes; more than {limit} are not taken")
    size = 0
    for chunk in response.iter_bytes(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise FetchError(f"{shown(url)} has more than {limit} bytes; they are not taken")
        if clock.monotonic() > until:
            raise FetchError(f"{shown(url)} is too slow: {size} bytes in {seconds:g} s", hint="try again later")
        yield chunk
    plain = not response.headers.get("content-encoding")
    if plain and declared.isdigit() and size != int(declared):
        raise _TryAgainError(f"{shown(url)} ended after {size} of {declared} bytes")


def _refuse(url: str, *, after: str) -> None:
    """Raise FetchError for an address that EGX does not ask, whoever names it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise FetchError(f"{shown(url)} is no http or https address")
    if urlsplit(after).scheme == "https" and parts.scheme != "https":
        raise FetchError(f"{shown(after)} leads from https to {shown(url)}", hint="what comes over http can be changed")
    for address in _addresses(parts.hostname):
        if address.is_link_local or address.is_multicast or address in METADATA:
            raise FetchError(
                f"{shown(url)} is a link-local address, {address}", hint="such addresses hold a host's own secrets"
            )


def _addresses(host: str) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Of the name as this host resolves it; nothing where it does not (a proxy may)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return
    for *_others, address in found:
        found_one = ipaddress.ip_address(str(address[0]).split("%")[0])
        yield getattr(found_one, "ipv4_mapped", None) or found_one


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: who gets what is sent to the address."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


def without_login(url: str) -> str:
    """The address without user and password: what is kept must not have them."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def with_login(url: str, like: str) -> str:
    """The address with the user and password of `like`, where both are of one host."""
    parts, known = urlsplit(url), urlsplit(like)
    if "@" not in known.netloc or without_login(like).split("/")[:3] != url.split("/")[:3]:
        return url
    return parts._replace(netloc=f"{known.netloc.rpartition('@')[0]}@{parts.netloc}").geturl()


def shown(url: str) -> str:
    """The address as messages may have it: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
