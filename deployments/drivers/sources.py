"""What images are built from: a folder of the host, or a Git repository, as hostile as any text of a user's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from egx_project.lib.errors import BadInputError

LONGEST = 2000
SCHEMES = ("https", "ssh", "file")
URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
SCP_LIKE = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>[^/].*)")
REF = re.compile(r"(?!-)(?!.*\.\.)(?!.*//)[\w./+@-]{1,200}")
HOST = re.compile(r"[A-Za-z0-9\[][\w.:\[\]-]*")
USER = re.compile(r"[A-Za-z0-9_][\w.-]*")


@dataclass(frozen=True)
class Source:
    """Where a build's context comes from."""

    folder: str = ""
    """An absolute path on the host that builds; empty for a repository."""
    url: str = ""
    ref: str = ""
    """A branch, tag or commit; empty for what the repository has checked out."""
    below: str = ""
    """The folder within the repository; empty for all of it."""

    def __str__(self) -> str:
        if self.folder:
            return self.folder
        below = f":{self.below}" if self.below else ""
        return self.url + (f"#{self.ref}{below}" if self.ref or below else "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> Source:
        return cls(**known)

    @property
    def path(self) -> str:
        """What of this host's disk is read, if anything is."""
        if self.folder:
            return self.folder
        parts = urlsplit(self.url)
        return unquote(parts.path) if parts.scheme == "file" else ""


def parse(text: str) -> Source:
    """A folder's absolute path, or `URL[#REF[:FOLDER]]` as `docker build` takes it. Raises BadInputError."""
    if not text or len(text) > LONGEST or not text.isprintable():
        raise BadInputError("the source is empty, too long or has unprintable characters", hint=_HINT)
    if text.startswith("/"):
        return Source(folder=text)
    address, _, fragment = text.partition("#")
    scp = SCP_LIKE.fullmatch(address)
    if scp:
        address = f"ssh://{scp['user']}@{scp['host']}/{scp['path']}"
    if not URL.match(address):
        raise BadInputError(f"{text!r} is neither an absolute folder nor a Git URL", hint=_HINT)
    _check(address)
    ref, _, below = fragment.partition(":")
    if ref and not REF.fullmatch(ref):
        raise BadInputError(f"{ref!r} is not the name of a branch, tag or commit", hint=_HINT)
    if below.startswith("/") or ".." in PurePosixPath(below).parts:
        raise BadInputError(f"{below!r} leads out of the repository", hint="name a folder within it")
    return Source(url=address, ref=ref, below=below.strip("/"))


_HINT = "give a folder, or a Git URL such as https://git.example.org/team/app.git#main"


def _check(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or "::" in address.split("//", maxsplit=1)[0]:
        raise BadInputError(
            f"repositories are not fetched over {parts.scheme or 'this'}", hint=f"one of {', '.join(SCHEMES)}"
        )
    if parts.password is not None or (parts.scheme == "https" and parts.username is not None):
        raise BadInputError(
            "the URL has credentials in it, which would be kept and shown",
            hint="leave them out, and let Git's own credential helper know them on the host that builds",
        )
    if parts.query:
        raise BadInputError("the URL has a query, which may hold a secret", hint="leave it out")
    if parts.username is not None and not USER.fullmatch(parts.username):
        raise BadInputError(f"{parts.username!r} is not a user's name")
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            raise BadInputError(f"{address!r} names no folder of this host", hint="as in file:///srv/git/app.git")
    elif not HOST.fullmatch(parts.hostname or ""):
        raise BadInputError(f"{address!r} names no host", hint=_HINT)
    if not parts.path.strip("/"):
        raise BadInputError(f"{address!r} names no repository", hint=_HINT)
