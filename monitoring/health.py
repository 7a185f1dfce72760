"""Is EGX well? Checks as the seed's section 8.1 names them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import psutil
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from egx_project.version import version

LEAST_FREE_MB = 100
MOST_MEMORY_MB = 512

Check = Callable[[], tuple[str, str]]


def health() -> dict[str, Any]:
    """The seed's document: status healthy, degraded or unhealthy, and each check with pass, warn or fail."""
    checks = {name: _run(check) for name, check in CHECKS.items()}
    statuses = {check["status"] for check in checks.values()}
    status = "unhealthy" if "fail" in statuses else "degraded" if "warn" in statuses else "healthy"
    return {
        "status": status,
        "timestamp": timezone.now().isoformat(),
        "uptime": round(time.time() - psutil.Process().create_time(), 3),
        "version": version(),
        "checks": checks,
    }


def _run(check: Check) -> dict[str, str]:
    status, output = check()
    return {"status": status, "time": timezone.now().isoformat(), "output": output}


def database() -> tuple[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return "fail", f"the database does not answer: {type(error).__name__}"
    return "pass", connection.vendor


def memory() -> tuple[str, str]:
    used = psutil.Process().memory_info().rss >> 20
    return ("warn" if used > MOST_MEMORY_MB else "pass"), f"Used: {used}MB"


def disk() -> tuple[str, str]:
    free = shutil.disk_usage(settings.EGX_DATA_DIR).free >> 20
    return ("warn" if free < LEAST_FREE_MB else "pass"), f"Free: {free}MB"


CHECKS: dict[str, Check] = {"database": database, "memory": memory, "disk": disk}
READY_CHECKS: dict[str, Check] = {"database": database}


def is_ready() -> bool:
    """Whether requests can be served at all."""
    return all(check()[0] == "pass" for check in READY_CHECKS.values())
