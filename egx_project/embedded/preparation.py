"""Before EGX starts: can it run here, and is its data directory ready? Everything wrong is said with the way out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from deployments.drivers.base import DriverError
from deployments.drivers.process.ports import require_free
from egx_project.lib.errors import BadInputError
from egx_project.settings.location import LONGEST_DATA_DIR

LEAST_FREE_BYTES = 300 * 1024 * 1024


def require_data_dir(home: Path) -> None:
    """Have the data directory, writable, with room and a path short enough for sockets. Raises BadInputError."""
    if len(os.fsencode(home)) > LONGEST_DATA_DIR:
        raise BadInputError(
            f"the data directory's path is too long for Unix sockets: {home}",
            hint=f"set EGX_DATA_DIR to a path of at most {LONGEST_DATA_DIR} bytes",
        )
    probe = home / f".writable-{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadInputError(
            f"the data directory {home} cannot be written: {error.strerror}",
            hint="set EGX_DATA_DIR to a folder of yours",
        ) from None
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise BadInputError(
            f"the disk of {home} has {free >> 20} MB free; EGX needs {LEAST_FREE_BYTES >> 20} MB",
            hint="free some space, or set EGX_DATA_DIR to a larger disk",
        )


def require_port(port: int, *, host: str, what: str, way_out: str) -> None:
    """Raise BadInputError where the port cannot be listened on."""
    try:
        require_free(port, bind=host)
    except DriverError as error:
        raise BadInputError(f"{what}: {error.message}", hint=way_out) from None


def migrate() -> None:
    """Bring the database to this EGX's form. Raises BadInputError where a newer EGX has changed it."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    if unknown:
        names = ", ".join(f"{app}.{name}" for app, name in unknown[:3])
        raise BadInputError(
            f"the data directory belongs to a newer EGX (it knows {names})",
            hint="start that EGX, or set EGX_DATA_DIR to another folder",
        )
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
