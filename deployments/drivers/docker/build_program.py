"""A program of its own for what the Engine's API streams: it can be ended, and the Engine then ends its part.

    python -m deployments.drivers.docker.build_program build|push FOLDER < what.json

It says what the Engine says, and exits 1 where that is an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from deployments.drivers.base import DriverError
from deployments.drivers.docker.api.builds import BuildCalls
from deployments.drivers.docker.api.connection import Json


def main(verb: str, wish: Mapping[str, Any]) -> int:
    engine = BuildCalls(wish["host"])
    try:
        return _say(_built(engine, wish) if verb == "build" else engine.push(wish["name"]))
    except DriverError as error:
        _write(f"ERROR: {error}\n")
        return 1


def _built(engine: BuildCalls, wish: Mapping[str, Any]) -> Iterable[Json]:
    return engine.build(
        wish["folder"], wish["dockerfile"], wish["tag"], arguments=wish["arguments"], platform=wish["platform"]
    )


def _say(stream: Iterable[Json]) -> int:
    failed = 0
    for part in stream:
        if "error" in part:
            text, failed = f"ERROR: {part['error']}\n", 1
        elif "stream" in part:
            text = part["stream"]
        elif "Digest" in (part.get("aux") or {}):
            text = f"digest: {part['aux']['Digest']}\n"
        elif part.get("status") and not part.get("progress"):  # a bar is not for a log
            text = f"{part['id']}: {part['status']}\n" if part.get("id") else f"{part['status']}\n"
        else:
            continue
        _write(text)
    return failed


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.load(sys.stdin)))
