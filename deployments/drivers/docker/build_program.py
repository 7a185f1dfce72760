"""A program of its own for what the Engine's API streams: it can be ended, and the Engine then ends its part.

    python -m deployments.drivers.docker.build_program build|push FOLDER < what.json

It says what the Engine says, and exits 1 where that is an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any, cast

import docker
from docker.errors import DockerException


def main(verb: str, wish: Mapping[str, Any]) -> int:
    try:
        client = docker.APIClient(base_url=wish["host"], version="auto")
        return _say(_build(client, wish) if verb == "build" else _push(client, wish))
    except (DockerException, OSError) as error:
        print(f"ERROR: {error}", flush=True)  # noqa: T201
        return 1


def _build(client: docker.APIClient, wish: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return cast(
        "Iterable[Mapping[str, Any]]",
        client.build(
            path=wish["folder"],
            dockerfile=wish["dockerfile"],
            tag=wish["tag"],
            buildargs=dict(wish["arguments"]),
            platform=wish["platform"] or None,
            rm=True,
            forcerm=True,
            decode=True,
        ),
    )


def _push(client: docker.APIClient, wish: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return cast("Iterable[Mapping[str, Any]]", client.push(wish["name"], stream=True, decode=True))


def _say(stream: Iterable[Mapping[str, Any]]) -> int:
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
        sys.stdout.write(text)
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.load(sys.stdin)))
