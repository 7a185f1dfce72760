"""A restore that dies by SIGKILL just before each of its calls into the system, in a data directory of its own."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.updates.archives.victim import die_at
from tests.updates.instance.builders import make_home, prepare, put_away
from updates.instance import restoring

OLD, NEW = b"the old key", b"the key in the backup"


def set_up(home: Path) -> None:
    """The rows `new` and their key in a backup, the rows `old` and theirs in place."""
    make_home(home, name="new", key=NEW)
    put_away(home)
    for file in home.glob("egx.sqlite3*"):
        file.unlink()
    make_home(home, name="old", key=OLD)


def main(folder: Path) -> None:
    whole = folder / "whole"
    set_up(whole)
    for number in itertools.count(1):
        home = folder / f"{number:03}"
        shutil.copytree(whole, home)
        child = os.fork()
        if not child:
            die_at(number)
            prepare(home)
            restoring.finish(home)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            shutil.rmtree(whole)
            return
        if status != -signal.SIGKILL:
            sys.exit(f"at point {number} the child ended with {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
