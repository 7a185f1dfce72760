"""What a registry has said, kept on the disk for when it cannot be asked, and so that nothing is asked twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from egx_project.lib import atomic, images

LAYOUT = 1
MOST_IMAGES = 1000


@dataclass
class KnownTag:
    digest: str
    etag: str = ""
    seen_at: str = ""


@dataclass
class Memory:
    image: str
    etag: str = ""
    fetched_at: str = ""
    """Empty: the registry has never said what there is."""
    not_before: str = ""
    """Until then the registry wants to be left alone."""
    tags: dict[str, KnownTag] = field(default_factory=dict)
    """Of releases, by tag."""
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """By digest, of each architecture what is pulled for it. A digest's never change."""

    @property
    def answered_at(self) -> datetime | None:
        return datetime.fromisoformat(self.fetched_at) if self.fetched_at else None

    def sizes_of(self, digest: str) -> dict[str, int] | None:
        return self.sizes.get(digest)


def load(path: Path, image: str) -> Memory:
    """The last words; nothing where there are none, they are of another image, or they cannot be read."""
    try:
        return _read(atomic.read_json(path), image)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Memory(image=image)


def _read(kept: Any, image: str) -> Memory:  # noqa: ANN401
    if kept["layout"] != LAYOUT or kept["image"] != image:
        return Memory(image=image)
    memory = Memory(
        image=image,
        etag=str(kept["etag"]),
        fetched_at=str(kept["fetched_at"]),
        not_before=str(kept["not_before"]),
        tags={tag: KnownTag(**known) for tag, known in kept["tags"].items()},
        sizes={digest: {arch: int(size) for arch, size in sizes.items()} for digest, sizes in kept["sizes"].items()},
    )
    for moment in filter(None, (memory.fetched_at, memory.not_before)):
        datetime.fromisoformat(moment)
    if not all(images.is_tag(tag) and images.is_digest(known.digest) for tag, known in memory.tags.items()):
        return Memory(image=image)
    return memory


def keep(path: Path, memory: Memory) -> None:
    used = {known.digest for known in memory.tags.values()}
    for digest in [digest for digest in memory.sizes if digest not in used][MOST_IMAGES:]:
        del memory.sizes[digest]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic.write_json(path, {"layout": LAYOUT, **asdict(memory)})
