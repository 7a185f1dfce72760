"""Before EGX starts: can it run here, and is its data directory ready? Everything wrong is said with the way out."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from deployments.drivers.base import DriverError
from deployments.drivers.ports import require_free
from egx_project.lib.errors import BadInputError
from egx_project.settings.location import LONGEST_DATA_DIR

LEAST_FREE_BYTES = 300 * 1024 * 1024
MORE_ROOM = "free some space, or set EGX_DATA_DIR to a larger disk"


def require_data_dir(home: Path) -> None:
    """Have the data directory, writable and with a path short enough for sockets. Raises BadInputError."""
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
    except FileExistsError:
        raise BadInputError(
            f"the data directory {home} is a file, not a folder", hint="set EGX_DATA_DIR to a folder of yours"
        ) from None
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise BadInputError(
            f"the data directory {home} cannot be written: {error.strerror}",
            hint=MORE_ROOM if full else "set EGX_DATA_DIR to a folder of yours",
        ) from None


def require_room(home: Path) -> None:
    """Raise BadInputError where the disk of the data directory is all but full."""
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise BadInputError(
            f"the disk of {home} has {free >> 20} MB free; EGX needs {LEAST_FREE_BYTES >> 20} MB",
            hint=MORE_ROOM,
        )


def require_port(port: int, *, host: str, what: str, way_out: str) -> None:
    """Raise BadInputError where the port cannot be listened on."""
    try:
        require_free(port, bind=host)
    except DriverError as error:
        raise BadInputError(f"{what}: {error.message}", hint=way_out) from None


def require_database() -> None:
    """Raise BadInputError where there is no database yet: looking into one would make it, and empty."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists():
        raise BadInputError(f"there is no database {name}", hint="`egx up` makes one")


def migrate() -> None:
    """Bring the database to this EGX's form. Raises BadInputError where it is damaged or a newer EGX's."""
    from django.db import DatabaseError

    try:
        _migrate()
    except DatabaseError as error:
        raise BadInputError(f"the database cannot be used: {error}", hint=_other_database()) from error


def _other_database() -> str:
    from django.conf import settings
    from django.db import connection

    if connection.vendor != "sqlite":
        return "see that it runs, and what DATABASE_URL says"
    return (
        f"put back a copy of {connection.settings_dict['NAME']}, or start anew: "
        f"`egx down --gateways`, then move {settings.EGX_DATA_DIR} away"
    )


def _migrate() -> None:
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
