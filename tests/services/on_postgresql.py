"""`python -m tests.services.on_postgresql PYTEST-ARGUMENTS`: pytest, over a PostgreSQL of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.services.machines import PostgreSQL, missing


def main() -> int:
    why = missing()
    if why:
        print(f"skipped: {why}")
        return int("services" in os.environ.get("EGX_REQUIRE", "").split(","))
    with PostgreSQL() as postgresql:
        environment = os.environ | {"DATABASE_URL": postgresql.url_of("postgres")}
        return subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
