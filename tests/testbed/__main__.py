"""`python -m tests.testbed up|down|status`: Docker Engine, a registry and images, for tests."""

from __future__ import annotations

import argparse
import json
import sys

from tests.testbed import state
from tests.testbed.engine import NoEngineError
from tests.testbed.places import TestbedError, say

FAILED = 1
NO_ENGINE = 3


def main(argv: list[str] | None = None) -> int:
    """0, or 3 where there can be no Docker Engine, or 1 for any other failure."""
    arguments = _arguments(argv)
    try:
        if arguments.command == "down":
            for name in state.down():
                say(f"ended {name}")
            return 0
        testbed = state.up(newer=arguments.newer) if arguments.command == "up" else state.seen()
    except TestbedError as error:
        say(str(error))
        return NO_ENGINE if isinstance(error, NoEngineError) else FAILED
    if arguments.json:
        print(json.dumps(testbed.json(), indent=2))
    else:
        _show(testbed)
    return 0


def _show(testbed: state.Testbed) -> None:
    print(f"Docker Engine {testbed.engine_version}, API {testbed.api_version}, on {testbed.socket}")
    if testbed.newer is not None:
        print(
            f"Docker Engine {testbed.newer.engine_version}, API {testbed.newer.api_version}, on {testbed.newer.socket}"
        )
    print(f"registry on {testbed.registry}")
    for image in testbed.images.values():
        print(f"  {image.reference} {image.version} {image.digest}")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in {
        "up": "make and start what is not there; as often as you like",
        "status": "say what is there",
        "down": "end the processes that `up` started; images and cache stay",
    }.items():
        command = commands.add_parser(name, help=does, description=does)
        if name != "down":
            command.add_argument("--json", action="store_true", help="as a JSON document")
        if name == "up":
            command.add_argument(
                "--newer", action="store_true", help="a newer Docker Engine as well, on its own socket"
            )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
