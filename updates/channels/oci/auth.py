"""Who asks a registry: Basic, or a bearer token that the registry's own realm gives (distribution's token protocol).

A login goes to the registry, or to the realm that the registry itself has named over a connection that nobody else
could speak on, and nowhere else.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx

from deployments.drivers.logins import IDENTITY, Found, Login
from egx_project.lib import fetch, images
from egx_project.lib.clock import Clock
from egx_project.lib.fetch import FetchError, Politeness, Reply

LARGEST_TOKEN = 64 * 1024
EARLIER = 10.0
"""Seconds before its end that a token is not used any more."""
SHORTEST = 60.0
"""Seconds that a token holds whose maker does not say."""

_CHALLENGE = re.compile(
    r'(?P<scheme>[A-Za-z]+)\s+(?=[a-z_]+\s*=)|(?P<name>[a-z_]+)\s*=\s*(?:"(?P<text>[^"]*)"|(?P<word>[^\s,"]+))'
)
_TOKEN = re.compile(r"[\x21-\x7e]+")
_LONGEST_CHALLENGE = 4096


class LoginError(FetchError):
    """The registry does not let in who asks."""


@dataclass(frozen=True)
class Challenge:
    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def challenges(header: str) -> list[Challenge]:
    """Of a `WWW-Authenticate` (RFC 9110, section 11.6.1), those that EGX can answer."""
    found: list[dict[str, str]] = []
    text = header[:_LONGEST_CHALLENGE]
    if text.strip().lower() == "basic":
        return [Challenge("basic")]
    for each in _CHALLENGE.finditer(text):
        if each["scheme"]:
            found.append({"scheme": each["scheme"].lower()})
        elif found:
            found[-1].setdefault(each["name"], each["text"] if each["text"] is not None else each["word"])
    fields = ("scheme", "realm", "service", "scope")
    made = [Challenge(**{name: one[name] for name in fields if name in one}) for one in found]
    return [one for one in made if one.scheme in {"basic", "bearer"}]


class Doorman:
    """Finds what to say to one registry for one repository."""

    def __init__(
        self,
        image: images.ImageName,
        *,
        found: Found,
        clock: Clock,
        over: httpx.Client,
        politeness: Politeness | None,
    ) -> None:
        self._image = image
        self._login = found.login
        self._problem = found.problem
        self._clock = clock
        self._over = over
        self._politeness = politeness
        self._header = ""
        self._until = 0.0

    @property
    def who(self) -> str:
        """For messages."""
        return self._login.username if self._login and self._login.username != IDENTITY else ""

    def header(self) -> str:
        """What to say now; empty where nothing is known to be asked."""
        return self._header if self._clock.monotonic() < self._until else ""

    def answer(self, reply: Reply) -> None:
        """Find what the registry wants to hear. Raises LoginError where EGX cannot say it."""
        offered = challenges(reply.headers.get("www-authenticate", ""))
        bearer = next((one for one in offered if one.scheme == "bearer" and one.realm), None)
        if bearer:
            self._header, self._until = self._token(bearer, secure=reply.url.startswith("https:"))
        elif self._login and any(one.scheme == "basic" for one in offered):
            self._header, self._until = _basic(self._login), float("inf")
        elif offered:
            raise LoginError(
                f"{self._image.name} is only for those who log in{self._aside()}",
                hint=f"`egx registry login {self._image.registry}`, or log in with Docker",
            )
        else:
            raise LoginError(
                f"{self._image.registry} wants a login of a kind that EGX does not know",
                hint="EGX knows Basic, and Bearer tokens of a registry's realm",
            )

    def _token(self, wanted: Challenge, *, secure: bool) -> tuple[str, float]:
        realm = self._checked(wanted.realm, secure=secure)
        asked = {"service": wanted.service} if wanted.service else {}
        asked["scope"] = f"repository:{self._image.repository}:pull"
        if self._login and self._login.username == IDENTITY:
            form = {**asked, "grant_type": "refresh_token", "client_id": "egx", "refresh_token": self._login.password}
            reply = self._say(realm, method="POST", content=urlencode(form).encode())
        else:
            parts = urlsplit(realm)
            query = "&".join(filter(None, [parts.query, urlencode(asked)]))
            headers = {"authorization": _basic(self._login)} if self._login else {}
            reply = self._say(urlunsplit(parts._replace(query=query)), headers=headers)
        if reply.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.BAD_REQUEST}:
            raise self.refused()
        token, seconds = _read(reply, realm)
        return f"Bearer {token}", self._clock.monotonic() + max(seconds - EARLIER, 1.0)

    def _say(
        self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Reply:
        form = {"content-type": "application/x-www-form-urlencoded"} if content else {}
        return fetch.ask(
            url,
            clock=self._clock,
            method=method,
            headers={"accept": "application/json", **form, **(headers or {})},
            content=content,
            size_limit=LARGEST_TOKEN,
            politeness=self._politeness,
            over=self._over,
        )

    def _checked(self, realm: str, *, secure: bool) -> str:
        """The realm, if it is one to which a login may go."""
        try:
            parts = urlsplit(realm)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        plain = parts.scheme == "http" and self._image.is_loopback and not secure and images.is_loopback(host)
        if not host or "@" in parts.netloc or port == 0 or not (parts.scheme == "https" or plain):
            raise LoginError(
                f"{self._image.registry} sends EGX to {realm[:100]!r} for a token, which is no https address",
                hint="nothing was sent there; tell whoever keeps the registry",
            )
        return realm

    def _aside(self) -> str:
        return f"; {self._problem}" if self._problem else ""

    def refused(self) -> LoginError:
        """What to raise where what was said is not believed."""
        registry = self._image.registry
        if self._login is None:
            return LoginError(
                f"{self._image.name} is not there, or only for those who log in{self._aside()}",
                hint=f"check the name, or `egx registry login {registry}`",
            )
        whose = f" of {self.who}" if self.who else ""
        return LoginError(
            f"{registry} does not take the login{whose}, or not for {self._image.repository}",
            hint=f"`egx registry login {registry}` sets another",
        )


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _read(reply: Reply, realm: str) -> tuple[str, float]:
    try:
        answer = json.loads(reply.body)
        token = answer.get("token") or answer.get("access_token")
        seconds = float(answer.get("expires_in") or SHORTEST)
    except (ValueError, TypeError, AttributeError, RecursionError):
        token, seconds = None, SHORTEST
    if reply.status != httpx.codes.OK or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise LoginError(
            f"{fetch.shown(realm)} gives no token: it answers {reply.status}", hint="try later, or tell its keeper"
        )
    return token, seconds if seconds > 0 else SHORTEST
