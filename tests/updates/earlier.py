"""An EGX of an earlier commit, from the repository's history, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.running import Egx
from tests.requirements import require

ROOT = Path(__file__).parents[2]
MADE_BACKUPS = "updates/backups.py"
INSTALL_SECONDS = 90.0


def earlier_commit() -> str:
    """The first commit that made backups, if it is not the present one. Skips the test where there is no history."""
    head, added = _git("rev-parse", "HEAD"), _git("log", "--diff-filter=A", "--format=%H", "--", MADE_BACKUPS)
    commits = added.split()
    found = [commit for commit in commits[-1:] if commit != head]
    require("history", present=bool(found), why="there is no earlier commit here that made backups (no history)")
    return found[0]


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def check_out(commit: str, folder: Path) -> None:
    """The commit's files, without touching this checkout."""
    packed = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=True)
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=packed.stdout, check=True)


def install(tree: Path) -> Path:
    """An interpreter with what the tree's own lock says; this one where that cannot be had here."""
    home = tree / ".venv-own"
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    argv = [sys.executable, str(tree / "scripts/install.py"), "--venv", str(home), str(tree / "requirements/base.txt")]
    environment = {**os.environ, "PATH": beside}
    try:
        done = subprocess.run(
            argv, cwd=tree, env=environment, capture_output=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Path(sys.executable)
    return home / "bin/python" if done.returncode == 0 else Path(sys.executable)


class EarlierEgx(Egx):
    """Runs the code of a tree, in a data directory of its own."""

    def __init__(self, tree: Path, interpreter: Path) -> None:
        super().__init__(PYTHONPATH=str(tree))
        self.folder, self.interpreter = tree, str(interpreter)

    def code(self) -> Path:
        """Where the code is that it runs."""
        return Path(self.python("import updates; print(updates.__file__)"))
