"""A load beside what the caller does."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Self

from egx_project.lib.errors import EgxError
from egx_project.load import outcomes
from egx_project.load.run import Mix

END_SECONDS = 60
"""More than any request may take."""


class LoadError(EgxError):
    title = "The load did not run"


class Beside:
    """A load in a process of its own, from the beginning of the block to its end; then `recorded` is all of it."""

    def __init__(self, port: int, mix: Mix) -> None:
        self.port = port
        self.mix = mix
        self.recorded = outcomes.Recorded([])
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="egx-load-")

    def __enter__(self) -> Self:
        to = Path(self._folder.name) / "outcomes.json"
        argv = [sys.executable, "-m", "egx_project.load", "--port", str(self.port), "--to", str(to),
                "--mix", json.dumps(asdict(self.mix))]  # fmt: skip
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._process.stdout is None or not self._process.stdout.readline():
            raise LoadError("the load ended before it began", hint="its own words are above")
        return self

    def stop(self) -> None:
        """Let what is under way come to its end. Raises LoadError where the load has failed."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.close()
            process.wait(timeout=END_SECONDS)
            if process.returncode != 0:
                raise LoadError(f"the load ended with exit code {process.returncode}", hint="its own words are above")
            self.recorded = outcomes.read(Path(self._folder.name) / "outcomes.json")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
            self._folder.cleanup()

    def __exit__(self, *_: object) -> None:
        self.stop()
