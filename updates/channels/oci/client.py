"""The OCI distribution API, for reading one repository: tags, manifests, blobs and what refers to a manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from deployments.drivers.logins import Source
from egx_project.lib import fetch, images
from egx_project.lib.clock import Clock
from egx_project.lib.fetch import FetchError, Politeness, Reply
from egx_project.lib.images import ImageName
from updates.channels.oci import manifests
from updates.channels.oci.auth import Doorman, LoginError
from updates.channels.oci.manifests import Document, ManifestError

MOST_PAGES = 100
MOST_TAGS = 50_000
PAGE = 1000
LARGEST_PAGE = manifests.LARGEST
LARGEST_BLOB = 4 * 1024 * 1024
"""Bytes of a config or a signature; layers are the runtime's to pull."""
GONE = httpx.codes.NOT_FOUND

_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True)
class Head:
    """What a tag points at, without its bytes."""

    digest: str
    media_type: str
    etag: str = ""


@dataclass(frozen=True)
class TagPage:
    tags: tuple[str, ...]
    etag: str = ""
    """Of a list that is one page; of more there is none."""


class NotThereError(FetchError):
    """The registry has no such thing."""


class BusyError(FetchError):
    """The registry asks to be left alone."""


class Registry:
    """One repository, over kept connections."""

    def __init__(
        self,
        image: ImageName,
        *,
        login: Source,
        clock: Clock,
        politeness: Politeness | None = None,
    ) -> None:
        self.image = image
        self.remaining: int | None = None
        """Requests that the registry says are left until it counts anew; None where it does not say."""
        self._clock = clock
        self._politeness = politeness
        self._over = fetch.client(politeness)
        self._doorman = Doorman(image, found=login(image.registry), clock=clock, over=self._over, politeness=politeness)
        self._base = "" if image.is_loopback else f"https://{image.host}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.close()

    def tags(self, *, etag: str = "") -> TagPage | None:
        """All there are; None where the list still has this ETag."""
        address, found, pages, mark = f"tags/list?n={PAGE}", list[str](), 0, ""
        while address:
            reply = self._ask(
                address, accept="application/json", size_limit=LARGEST_PAGE, etag=etag if not pages else ""
            )
            if reply.status == httpx.codes.NOT_MODIFIED:
                return None
            self._expect(reply, "list of tags")
            found += _tags(reply, self.image)
            pages += 1
            mark = reply.headers.get("etag", "") if pages == 1 else ""
            address = self._next(reply)
            if pages >= MOST_PAGES or len(found) > MOST_TAGS:
                raise ManifestError(
                    f"{self.image.name} has more than {len(found)} tags, or its list has no end",
                    hint="name a repository that has only releases in ENVOY_GATEWAY_IMAGE",
                )
        return TagPage(tags=tuple(dict.fromkeys(found)), etag=mark)

    def head(self, tag: str, *, etag: str = "") -> Head | None:
        """What the tag points at; None where that still has this ETag."""
        reply = self._ask(f"manifests/{tag}", method="HEAD", accept=manifests.ACCEPT, etag=etag)
        if reply.status == httpx.codes.NOT_MODIFIED:
            return None
        digest = reply.headers.get("docker-content-digest", "")
        if reply.status == httpx.codes.METHOD_NOT_ALLOWED or (reply.status == httpx.codes.OK and not digest):
            found = self.manifest(tag)
            return Head(digest=found.digest, media_type=found.media_type)
        self._expect(reply, f"tag {tag}")
        if not images.is_digest(digest):
            raise ManifestError(
                f"{self.image.registry} says that {self.image.tagged(tag)} has digest {digest[:80]!r}, which is none",
                hint="EGX pins sha256 digests only; is the registry sound?",
            )
        return Head(
            digest=digest,
            media_type=reply.headers.get("content-type", "").split(";")[0].strip(),
            etag=reply.headers.get("etag", ""),
        )

    def manifest(self, reference: str) -> Document:
        """By tag or digest; by digest its bytes are checked. Raises NotThereError, ManifestError."""
        reply = self._ask(f"manifests/{reference}", accept=manifests.ACCEPT, size_limit=manifests.LARGEST)
        self._expect(reply, f"manifest {reference}")
        digest = reference if images.is_digest(reference) else ""
        what = str(self.image.pinned(digest) if digest else self.image.tagged(reference))
        return manifests.read(reply.body, said=reply.headers.get("content-type", ""), digest=digest, what=what)

    def blob(self, digest: str) -> bytes:
        """A small one, checked against its digest."""
        reply = self._ask(f"blobs/{digest}", accept="*/*", size_limit=LARGEST_BLOB)
        self._expect(reply, f"blob {digest}")
        found = manifests.digest_of(reply.body)
        if found != digest:
            raise ManifestError(
                f"blob {digest} of {self.image.name} has digest {found}",
                hint="it was changed on the way or by the registry; nothing of it is used",
            )
        return reply.body

    def referrers(self, digest: str) -> Document | None:
        """The index of what refers to the digest: by the API, or by the tag that stands for it; None without."""
        reply = self._ask(f"referrers/{digest}", accept=manifests.INDEX, size_limit=manifests.LARGEST)
        kind = reply.headers.get("content-type", "")
        if reply.status == httpx.codes.OK and kind.split(";")[0].strip() == manifests.INDEX:
            return manifests.read(reply.body, said=kind, what=f"what refers to {self.image.pinned(digest)}")
        try:
            return self.manifest(digest.replace(":", "-"))
        except NotThereError:
            return None

    def _ask(
        self, path: str, *, accept: str, method: str = "GET", etag: str = "", size_limit: int = LARGEST_BLOB
    ) -> Reply:
        url = f"{self._where()}/v2/{self.image.repository}/{path}"
        reply = self._say(url, accept=accept, method=method, etag=etag, size_limit=size_limit)
        if reply.status == httpx.codes.UNAUTHORIZED and self._is_own(reply):
            self._doorman.answer(reply)
            reply = self._say(url, accept=accept, method=method, etag=etag, size_limit=size_limit)
        return reply

    def _say(self, url: str, *, accept: str, method: str, etag: str, size_limit: int) -> Reply:
        said = {"authorization": self._doorman.header(), "if-none-match": etag, "accept": accept}
        try:
            reply = fetch.ask(
                url,
                clock=self._clock,
                method=method,
                headers={name: text for name, text in said.items() if text},
                size_limit=size_limit,
                politeness=self._politeness,
                over=self._over,
            )
        except FetchError as error:
            if error.answered == httpx.codes.TOO_MANY_REQUESTS:
                raise BusyError(
                    f"{self.image.registry} asks to be left alone (429)",
                    hint="EGX asks again later; with a login more is allowed, see `egx registry login`",
                    answered=error.answered,
                    after=error.after,
                ) from error
            raise
        left = reply.headers.get("ratelimit-remaining", "").split(";")[0].strip()
        if left.isdigit():
            self.remaining = int(left)
        return reply

    def _where(self) -> str:
        """Scheme and host. A registry on this host may speak plain HTTP: it is asked, before anything is told it."""
        if not self._base:
            plain = f"http://{self.image.host}"
            try:
                reply = fetch.ask(
                    f"{plain}/v2/", clock=self._clock, over=self._over, politeness=Politeness(tries=1, read=5.0)
                )
                speaks = reply.status != httpx.codes.BAD_REQUEST
            except FetchError as error:
                speaks = bool(error.answered)
            self._base = plain if speaks else f"https://{self.image.host}"
        return self._base

    def _is_own(self, reply: Reply) -> bool:
        return fetch.origin(reply.url) == fetch.origin(self._base)

    def _expect(self, reply: Reply, what: str) -> None:
        if reply.status == httpx.codes.OK:
            return
        if reply.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            if not self._is_own(reply):
                raise LoginError(
                    f"{self.image.registry} sends EGX to {fetch.shown(reply.url)}, which wants another login",
                    hint="tell whoever keeps the registry",
                )
            raise self._doorman.refused()
        if reply.status == GONE:
            raise NotThereError(
                f"{self.image.name} has no {what}", hint="is the name of the image right?", answered=reply.status
            )
        raise FetchError(
            f"{self.image.registry} answers {reply.status} when asked for {what} of {self.image.repository}",
            hint="is it a registry, and is its port right?",
            answered=reply.status,
        )

    def _next(self, reply: Reply) -> str:
        """The path of the next page of tags; empty after the last. No page may lead to another list."""
        found = _NEXT.search(reply.headers.get("link", ""))
        if not found:
            return ""
        whole = urljoin(f"{self._base}/v2/{self.image.repository}/tags/list", found[1])
        parts = urlsplit(whole)
        own = fetch.origin(whole) == fetch.origin(self._base) and parts.path == f"/v2/{self.image.repository}/tags/list"
        if not own or not parse_qs(parts.query):
            raise ManifestError(
                f"the tags of {self.image.name} go on at {fetch.shown(whole)}, which is not their list",
                hint="is the registry sound?",
            )
        return f"tags/list?{parts.query}"


def _tags(reply: Reply, image: ImageName) -> list[str]:
    page: dict[str, Any] = manifests.parse(reply.body, what=f"the list of tags of {image.name}")
    tags = page.get("tags")
    if tags is None:  # as registries say that there are none
        return []
    if not isinstance(tags, list):
        raise ManifestError(f"{image.name} has no list of tags", hint="is it a registry?")
    return [tag for tag in tags if isinstance(tag, str) and images.is_tag(tag)]
