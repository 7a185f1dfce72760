"""Can this process publish a port here; and if not, who has it?"""

from __future__ import annotations

import contextlib
import errno
import socket

import psutil

from deployments.drivers.base import DriverError


def require_free(port: int, *, bind: str) -> None:
    """Raise DriverError where the port cannot be listened on, naming the reason and, if known, the holder."""
    taken = why_not_free(port, bind=bind)
    if taken:
        raise taken


def why_not_free(port: int, *, bind: str) -> DriverError | None:
    """What `require_free` raises."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections only linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            return DriverError(f"port {port} on {bind} {_why(error, port)}", hint=_way_out(error))
    return None


def _why(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"is in use{holder(port)}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "is privileged: this user may not listen on it"
    return f"cannot be listened on: {error.strerror}"


def _way_out(error: OSError) -> str:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "use a port of 1024 or more"
    return "use another port, or stop what has it"


def holder(port: int) -> str:
    """` by nginx (pid 123)`, or nothing where the system does not tell this user."""
    with contextlib.suppress(psutil.Error, PermissionError):
        for connection in psutil.net_connections(kind="tcp"):
            here = tuple(connection.laddr)
            if connection.status == psutil.CONN_LISTEN and connection.pid and here[1:] == (port,):
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
