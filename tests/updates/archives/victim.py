"""A process that dies by SIGKILL just before each of its calls into the system, one after the other.

For every point it forks a child with a folder of its own below the given one, which is killed there; it ends when a
child lived to the end.
"""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.updates.archives import builders
from updates.archives import packing

CALLS = ("os.", "shutil.", "open", "fcntl.", "tempfile.", "point")


def point() -> None:
    """A place to be killed at between two writes, which Python does not announce."""
    sys.audit("point")


def write(folder: Path) -> None:
    with builders.store_in(folder).writing(archive_id=builders.ID, **builders.described()) as draft:
        point()
        for path, content in builders.FILES.items():
            with draft.target(path).open("wb", buffering=0) as file:
                file.write(content[:5])
                point()
                file.write(content[5:])
        point()
    point()


def remove(folder: Path) -> None:
    builders.store_in(folder).remove(builders.ID)


def pack(folder: Path) -> None:
    packing.pack(builders.store_in(folder), builders.ID, folder / "packed.tar.gz")


PACKED = builders.zipped(*builders.members_of(builders.FILES))


def unpack(folder: Path) -> None:
    packing.unpack(io.BytesIO(PACKED), builders.store_in(folder), limits=builders.LIMITS)


NEEDS_ONE = (remove, pack)
ACTIONS: dict[str, Callable[[Path], None]] = {action.__name__: action for action in (write, remove, pack, unpack)}


def orphan(folder: Path) -> None:
    """Die while a tool that was given the lock goes on, until its input ends."""
    with builders.store_in(folder).writing(archive_id=builders.ID, **builders.described()) as draft:
        subprocess.Popen(["cat"], pass_fds=[draft.lock])
        os.kill(os.getpid(), signal.SIGKILL)


def die_at(number: int) -> None:
    seen = itertools.count(1)

    def hook(event: str, _arguments: tuple[Any, ...]) -> None:
        if event.startswith(CALLS) and next(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def main(action: Callable[[Path], None], folder: Path) -> None:
    for number in itertools.count(1):
        own = folder / f"{number:03}"
        if action in NEEDS_ONE:
            builders.write(builders.store_in(own))
        child = os.fork()
        if not child:
            die_at(number)
            action(own)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            return
        if status != -signal.SIGKILL:
            sys.exit(f"at point {number} the child ended with {status}")


if __name__ == "__main__":
    if sys.argv[1] == orphan.__name__:
        orphan(Path(sys.argv[2]))
    main(ACTIONS[sys.argv[1]], Path(sys.argv[2]))
