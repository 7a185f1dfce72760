"""`python -m egx_project.load --port N --to FILE [--keep-alive 100 …]`: until its standard input ends.

A process of its own, so that what it measures does not wait for whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import fields
from pathlib import Path

from egx_project.load import outcomes
from egx_project.load.run import Load, Mix


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m egx_project.load", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", type=Path, required=True, help="what became of each request, as JSON")
    parser.add_argument("--mix", type=json.loads, default={}, help=", ".join(field.name for field in fields(Mix)))
    given = parser.parse_args(argv)
    load = Load(host=given.host, port=given.port, mix=Mix(**given.mix))
    asyncio.run(_until_told(load))
    outcomes.write(given.to, load.outcomes, asked_again=load.asked_again)
    return 0


async def _until_told(load: Load) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), over.set)
    running = asyncio.create_task(load.run(over))
    print("begun", flush=True)  # noqa: T201
    await over.wait()
    loop.remove_reader(sys.stdin.fileno())
    await running


if __name__ == "__main__":
    sys.exit(main())
