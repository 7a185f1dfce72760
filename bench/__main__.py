"""`python -m bench [SUBJECT …]`: measure, print a table; exit 1 where a bar is missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from bench import (
    api,
    changes,
    dashboard,
    docker,
    docker_deploy,
    docker_peers,
    edge,
    first_answer,
    footprint,
    peers,
    revival,
    updates,
)
from bench.report import HEAD, Figure
from bench.rig import MissingError

SUBJECTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "first_answer": first_answer.measure,
    "changes": changes.measure,
    "api": api.measure,
    "dashboard": dashboard.measure,
    "footprint": footprint.measure,
    "edge": edge.measure,
    "revival": revival.measure,
    "updates": updates.measure,
    "peers": peers.measure,
    "docker": docker.measure,
    "docker_peers": docker_peers.measure,
    "docker_deploy": docker_deploy.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[[], *SUBJECTS], metavar="SUBJECT", help=", ".join(SUBJECTS))
    chosen = parser.parse_args().subjects or list(SUBJECTS)
    print(HEAD, flush=True)
    missed = 0
    for subject in chosen:
        try:
            for figure in SUBJECTS[subject]():
                print(figure.row(), flush=True)
                missed += not figure.reached
        except MissingError as missing:
            print(f"| {subject} | skipped | | | {missing} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
