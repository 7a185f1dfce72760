"""A Python package index as a channel: the wheels of one project (simple repository API as JSON: PEP 691, 700, 592)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from deployments.drivers.base import Artifact
from egx_project.lib import atomic, fetch
from egx_project.lib.clock import Clock
from egx_project.lib.fetch import FetchError, Politeness
from updates.channels.base import ChannelError, Listing, Offer
from updates.compat import LEAST, parse

ACCEPT = "application/vnd.pypi.simple.v1+json"


class WheelIndex:
    """Keeps its last answer in `cache`, for when the index cannot be asked."""

    def __init__(
        self,
        name: str,
        *,
        index: str,
        project: str,
        cache: Path,
        clock: Clock,
        notes_url: str = "",
        politeness: Politeness | None = None,
    ) -> None:
        self.name = name
        self.url = f"{index.rstrip('/')}/{project}/"
        self.cache = cache
        self.clock = clock
        self.notes_url = notes_url
        self.politeness = politeness

    def list(self) -> Listing:
        known = self._known()
        try:
            answer = fetch.get_json(
                self.url,
                accept=ACCEPT,
                etag=known.get("etag", ""),
                clock=self.clock,
                politeness=self.politeness,
            )
            files = known["files"] if answer.not_modified else _files(answer.value, self.url)
        except FetchError as error:
            if not known:
                raise ChannelError(
                    f"channel {self.name}: {error.message}",
                    hint=error.hint or "nothing is known of it yet; what is installed can be used",
                ) from error
            return self._listing(known, problem=error.message)
        now = {"files": files, "etag": answer.etag, "fetched_at": self.clock.now().isoformat(), "url": self.url}
        self.cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write_json(self.cache, now)
        return self._listing(now)

    def describe(self, version: str) -> Offer:
        found = next((offer for offer in self.list().offers if offer.version == version), None)
        if found is None:
            raise ChannelError(f"channel {self.name} has no {version}", hint="`egx get releases` lists what it has")
        return found

    def resolve(self, version: str) -> Artifact:
        artifact = self.describe(version).artifact
        if artifact is None:
            raise ChannelError(f"channel {self.name} has no {version} for this platform")
        return artifact

    def _known(self) -> dict[str, Any]:
        """The last answer; nothing where there is none, it is of another index, or it cannot be read."""
        try:
            known = atomic.read_json(self.cache)
        except (ValueError, OSError):
            return {}
        whole = isinstance(known, dict) and known.get("url") == self.url and {"files", "fetched_at"} <= set(known)
        return known if whole else {}

    def _listing(self, known: Mapping[str, Any], *, problem: str = "") -> Listing:
        offers = [self._offer(version, files) for version, files in known["files"].items()]
        ordered = sorted(offers, key=lambda offer: parse(offer.version) or LEAST, reverse=True)
        return Listing(offers=tuple(ordered), fetched_at=datetime.fromisoformat(known["fetched_at"]), problem=problem)

    def _offer(self, version: str, files: Sequence[Mapping[str, Any]]) -> Offer:
        ranks = {str(tag): rank for rank, tag in enumerate(sys_tags())}
        fitting = [(min(ranks[tag] for tag in file["tags"] if tag in ranks), file) for file in files
                   if any(tag in ranks for tag in file["tags"])]  # fmt: skip
        usable = [item for item in fitting if not item[1]["yanked"]]
        best = min(usable or fitting, key=lambda item: item[0], default=(0, None))[1]
        dates = [datetime.fromisoformat(file["published_at"]) for file in files if file["published_at"]]
        parsed = parse(version)
        minor = "{}.{}".format(*parsed.minor) if parsed else ""
        return Offer(
            version=version,
            published_at=min(dates, default=None),
            yanked=bool(fitting) and not usable,
            notes_url=self.notes_url.format(version=version.split(".post", maxsplit=1)[0], minor=minor),
            artifact=Artifact(url=best["url"], sha256=best["sha256"], size=best["size"]) if best else None,
        )


def _files(page: object, url: str) -> dict[str, list[dict[str, Any]]]:
    """The wheels by version, with what is needed of each. Raises FetchError for a page that is none."""
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise FetchError(f"{fetch.shown(url)} has no list of files", hint="is it a package index?")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in page["files"]:
        try:
            _name, version, _build, tags = parse_wheel_filename(str(file["filename"]))
            sha256 = str(file["hashes"]["sha256"])
            address = fetch.without_login(urljoin(url, str(file["url"])))
        except (InvalidWheelFilename, KeyError, TypeError, ValueError):
            continue  # not a wheel, or one that nobody could check
        found[str(version)].append(
            {
                "tags": sorted(map(str, tags)),
                "url": address,
                "sha256": sha256,
                "size": int(file.get("size") or 0),
                "published_at": str(file.get("upload-time") or "").replace("Z", "+00:00"),
                "yanked": bool(file.get("yanked")),
            }
        )
    return dict(found)


def artifact_json(artifact: Artifact | None) -> dict[str, Any] | None:
    return asdict(artifact) if artifact else None
