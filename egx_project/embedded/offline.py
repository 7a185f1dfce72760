"""A restore of the whole instance: done while EGX is stopped, and settled by the next `egx up`."""

from __future__ import annotations

from pathlib import Path

from egx_project.cli.output import Output
from egx_project.embedded import instance, preparation
from egx_project.embedded.django_here import set_up_django
from egx_project.lib.clock import SystemClock
from egx_project.lib.errors import BadInputError, EgxError, NotFoundError
from updates.archives.errors import ArchiveError
from updates.archives.store import ArchiveStore
from updates.instance import restoring
from updates.instance.restoring import Restore


def is_of_the_instance(home: Path, key: str) -> bool:
    """Whether the backup is here, and is one of the whole instance."""
    try:
        return _store(home).read(key).kind == "instance"
    except (ArchiveError, NotFoundError):  # whoever else is asked says what it is
        return False


def restore(home: Path, key: str) -> Restore:
    """Put the backup in the place of what is here.

    Raises AlreadyRunningError while EGX runs, and what `restoring.prepare` raises, with all as it was.
    """
    preparation.require_data_dir(home)
    with instance.stopped(home):
        restoring.finish(home)  # of one that was killed
        set_up_django()
        _prepare(home, key)
        done = restoring.finish(home)
    if done is None:
        raise EgxError(f"backup {key} was not put in place", hint="try again")
    return done


def finish(home: Path) -> None:
    """Put in place what a restore that was killed had prepared."""
    restoring.finish(home)


def settle(output: Output, home: Path) -> None:
    """Bring what runs in line with the rows, if they came from a backup since EGX last ran."""
    done = restoring.unsettled(home)
    if done is None:
        return
    from updates.services.restored import settle as settle_rows

    settle_rows(backup=done.backup, kept=done.aside)
    restoring.settled(home)
    output.note(f"egx: this is EGX as in backup {done.backup}; gateways are brought in line with it")


def _prepare(home: Path, key: str) -> Restore:
    from django.conf import settings
    from django.db import connection

    if connection.vendor != "sqlite":
        raise BadInputError(
            "DATABASE_URL names a PostgreSQL database, which EGX does not put back by itself",
            hint="use `pg_restore`; docs/backups.md says how",
        )
    return restoring.prepare(
        _store(home),
        key,
        home=home,
        database=Path(connection.settings_dict["NAME"]),
        passphrase=settings.EGX_BACKUP_PASSPHRASE,
        judge=_require_known,
        something_runs=any((home / "run").glob("gw*")),
    )


def _require_known(applied: set[tuple[str, str]]) -> None:
    """Raises BadInputError for the database of a newer EGX; an older one's is brought to this EGX's form by `up`."""
    from django.db.migrations.loader import MigrationLoader

    unknown = sorted(applied - set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations))
    if unknown:
        names = ", ".join(f"{app}.{name}" for app, name in unknown[:3])
        raise BadInputError(
            f"the backup is of a newer EGX (it knows {names})", hint="restore it with that EGX, or a newer one"
        )


def _store(home: Path) -> ArchiveStore:
    return ArchiveStore(home / "backups", clock=SystemClock())
