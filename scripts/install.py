"""Makes a virtual environment hold exactly what a lock file says, and this project in editable form.

Runs on the bare interpreter (standard library only). uv does the work: the one on PATH, else the one that pip
installs into the environment by the hash that the lock files pin.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
MINIMUM = (3, 11)


def main() -> None:
    if sys.version_info < MINIMUM:
        have = sys.version.split()[0]
        sys.exit(f"EGX needs Python {MINIMUM[0]}.{MINIMUM[1]} or newer; this is {have}. Try: make PYTHON=python3.12")
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--venv", type=Path, required=True)
    arguments.add_argument("lock", type=Path)
    chosen = arguments.parse_args()
    python = create(chosen.venv.absolute())
    uv = find_uv(python)
    synchronise(uv, python, chosen.lock)


def create(home: Path) -> Path:
    """The environment's interpreter; the environment is made when there is none."""
    python = home / ("Scripts/python.exe" if sysconfig.get_platform().startswith("win") else "bin/python")
    if not python.exists():
        try:
            venv.create(home, with_pip=shutil.which("uv") is None, symlinks=True)
        except subprocess.CalledProcessError:
            sys.exit("This Python cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv).")
    return python


def find_uv(python: Path) -> list[str]:
    on_path = shutil.which("uv")
    if on_path:
        return [on_path]
    beside = python.with_name("uv")
    if not beside.exists():
        run(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "--no-deps",
                "-r",
                str(HERE.parent / "requirements/uv.txt"),
            ]
        )
    return [str(beside)]


def synchronise(uv: list[str], python: Path, lock: Path) -> None:
    run([*uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)])
    run(
        [
            *uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(python),
            "--no-deps",
            "--no-build-isolation",
            "-e",
            str(HERE.parent),
        ]
    )


def run(argv: list[str]) -> None:
    done = subprocess.run(argv, check=False)
    if done.returncode:
        failed = f"failed ({done.returncode}): {' '.join(argv)}"
        sys.exit(f"{failed}\nIs the package index reachable? pip's own configuration is used.")


if __name__ == "__main__":
    main()
