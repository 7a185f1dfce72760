"""The database: SQLite below the data directory, or what DATABASE_URL names."""

from __future__ import annotations

from egx_project.settings.core import EGX_DATA_DIR, env

SQLITE_OPTIONS = {
    # A writer takes its lock at once and waits for it, instead of failing half-way through a transaction.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # WAL: readers never wait for the writer. FULL: a committed journal survives a power cut.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2000;",
}

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{EGX_DATA_DIR / 'egx.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
