"""Which version may follow which. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from semver import Version as SemVer

from egx_project.lib.errors import BadInputError

VERSION = re.compile(
    r"v?(?P<core>\d+(?:\.\d+){0,2})(?:(?:\.post|-post|\.r)(?P<post>\d+))?(?P<rest>[-+].*|(?:rc|a|b)\d+)?"
)
CLAUSE = re.compile(r"(>=|<=|==|!=|>|<)\s*(v?\d+(?:\.\d+){0,2})")


@dataclass(frozen=True, order=True)
class Version:
    core: SemVer
    post: int = 0
    """A later packaging of the same thing."""

    @property
    def is_prerelease(self) -> bool:
        return self.core.prerelease is not None

    @property
    def minor(self) -> tuple[int, int]:
        return self.core.major, self.core.minor


class Offered(Protocol):
    @property
    def version(self) -> str: ...
    @property
    def yanked(self) -> bool: ...


LEAST = Version(core=SemVer(0, prerelease="0"))
"""Before everything that has an order."""
Some = TypeVar("Some", bound=Offered)


@functools.lru_cache(maxsize=2048)  # lists compare the same few versions for every gateway
def parse(text: str) -> Version | None:
    """`v1.40.0`, `1.36.2.post1`, `1.41.0-rc.1`; None for what has no order, such as `local`."""
    found = VERSION.fullmatch(text.strip())
    if not found:
        return None
    rest = found["rest"] or ""
    if rest and rest[0] not in "-+":  # Python's way to write a prerelease
        rest = "-" + re.sub(r"(\D+)(\d+)", r"\1.\2", rest)
    core = ".".join([*found["core"].split("."), "0", "0"][:3])
    try:
        return Version(core=SemVer.parse(core + rest), post=int(found["post"] or 0))
    except ValueError:
        return None


def in_range(version: Version, allowed: str) -> bool:
    """Whether it is within `>=1.38,<1.41`; everything is within nothing. Raises BadInputError for no range."""
    return all(_holds(version, sign, bound) for sign, bound in clauses(allowed))


def clauses(allowed: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, (part.strip() for part in allowed.split(","))):
        clause = CLAUSE.fullmatch(part)
        if not clause:
            raise BadInputError(f"{part!r} is no range of versions", hint="such as >=1.38,<1.41")
        found.append((clause[1], clause[2]))
    return found


def _holds(version: Version, sign: str, text: str) -> bool:
    limit = tuple(int(part) for part in text.removeprefix("v").split("."))
    own = (version.core.major, version.core.minor, version.core.patch)[: len(limit)]
    if sign in {"==", "!="}:
        return (own == limit) is (sign == "==")
    if sign in {">", "<="}:  # `<=1.39` means every 1.39
        return (own > limit) is (sign == ">")
    return (own >= limit) is (sign == ">=")


def newest(
    offers: Iterable[Some], *, prereleases: bool = False, allowed: str = "", without: Collection[str] = ()
) -> Some | None:
    """The newest that may be offered: not taken back, not in `without`, within the range."""
    fitting = []
    for offer in offers:
        version = parse(offer.version)
        if version is None or offer.yanked or offer.version in without:
            continue
        if (prereleases or not version.is_prerelease) and in_range(version, allowed):
            fitting.append((version, offer))
    return max(fitting, key=lambda pair: pair[0], default=(None, None))[1]


def why_not(current: str, wanted: str, *, skip_minor: int, downgrade: bool = False) -> str:
    """Why `wanted` may not follow `current`, for people; empty where it may. What has no order may follow."""
    now, then = parse(current), parse(wanted)
    if now is None or then is None or now == then:
        return ""
    if then < now:
        return "" if downgrade else f"{wanted} is older than {current}; a rollback, or --downgrade, goes back"
    if then.core.major != now.core.major:
        return f"{wanted} is another major version than {current}; deploy it as a gateway of its own first"
    if then.core.minor - now.core.minor > skip_minor:
        return (
            f"{wanted} is {then.core.minor - now.core.minor} minor versions above {current}; "
            f"the policy allows {skip_minor} at once"
        )
    return ""
