"""A registry on loopback, and what is in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx

from egx_project.lib import atomic
from tests.testbed import debian
from tests.testbed.places import TestbedError, folder, say
from tests.testbed.programs import Service

HOST = os.environ.get("EGX_TESTBED_REGISTRY") or "127.0.0.1:5000"
SERVICE = "registry"
START_SECONDS = 30.0
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Stored(NamedTuple):
    digest: str
    labels: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Image:
    reference: str
    """With the registry and the tag."""
    digest: str
    version: str

    @property
    def pinned(self) -> str:
        """With the registry and the digest."""
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


class Registry:
    def __init__(self, host: str = HOST) -> None:
        self.host = host
        self._http = httpx.Client(base_url=f"http://{host}", timeout=300, trust_env=False)
        self.service = Service(f"{SERVICE}-{host.rpartition(':')[2]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *stopped: object) -> None:
        self._http.close()

    def up(self) -> None:
        """Started where nothing answers. Raises TestbedError."""
        if self.answers():
            return
        say(f"starting a registry on {self.host}")
        self.service.start(self.command(), answers=self.answers, seconds=START_SECONDS)

    def command(self) -> list[str]:
        """What serves it. Raises TestbedError."""
        config = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder("registry"))}, "delete": {"enabled": True}},
            "http": {"addr": self.host},
        }
        place = folder("run") / f"{self.service.name}.yml"
        atomic.write_json(place, config)  # JSON is YAML
        return [program(), "serve", str(place)]

    def answers(self) -> bool:
        """Raises TestbedError where something else has the port."""
        try:
            answer = self._http.get("/v2/")
        except httpx.TransportError:
            return False
        if answer.status_code != httpx.codes.OK or "docker-distribution-api-version" not in answer.headers:
            raise TestbedError(
                f"what answers on {self.host} is no open registry (status {answer.status_code}); "
                "end it, or name another address in EGX_TESTBED_REGISTRY"
            )
        return True

    def stored(self, repository: str, tag: str) -> Stored | None:
        answer = self._http.get(f"/v2/{repository}/manifests/{tag}", headers={"accept": MANIFEST})
        if answer.status_code == httpx.codes.NOT_FOUND or answer.headers.get("content-type") != MANIFEST:
            return None
        digest = f"sha256:{hashlib.sha256(_checked(answer).content).hexdigest()}"
        config = self._http.get(f"/v2/{repository}/blobs/{answer.json()['config']['digest']}")
        if config.status_code == httpx.codes.NOT_FOUND:
            return None
        return Stored(digest, _checked(config).json()["config"].get("Labels") or {})

    def has(self, image: Image) -> bool:
        place = image.pinned.removeprefix(f"{self.host}/").replace("@", "/manifests/")
        return self._http.head(f"/v2/{place}", headers={"accept": MANIFEST}).is_success

    def push_blob(self, repository: str, digest: str, content: Path | bytes) -> None:
        if self._http.head(f"/v2/{repository}/blobs/{digest}").status_code == httpx.codes.OK:
            return
        begun = _checked(self._http.post(f"/v2/{repository}/blobs/uploads/"))
        place = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": digest})
        kind = {"content-type": "application/octet-stream"}
        if isinstance(content, bytes):
            _checked(self._http.put(place, content=content, headers=kind))
            return
        with content.open("rb") as opened:
            length = {"content-length": str(content.stat().st_size)}
            _checked(self._http.put(place, content=opened, headers={**kind, **length}))

    def push_manifest(self, repository: str, tag: str, manifest: dict[str, Any]) -> str:
        """Its digest."""
        content = json.dumps(manifest, sort_keys=True).encode()
        _checked(
            self._http.put(f"/v2/{repository}/manifests/{tag}", content=content, headers={"content-type": MANIFEST})
        )
        return f"sha256:{hashlib.sha256(content).hexdigest()}"


def program() -> str:
    """Raises TestbedError where there is none and none can be had."""
    return shutil.which("docker-registry") or str(debian.unpacked("docker-registry") / "usr/bin/docker-registry")


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    raise TestbedError(
        f"the registry answered {answer.request.method} {answer.request.url} with {answer.status_code}: {answer.text}"
    )
