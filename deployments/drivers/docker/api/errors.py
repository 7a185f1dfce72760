"""What the Engine says went wrong, as sentences."""

from __future__ import annotations

import docker.errors

from deployments.drivers.base import AbsentError, DriverError

HINTS = {
    "no space left": "free some space where Docker keeps its data (`docker system df` says what takes it)",
    "port is already allocated": "use another port, or stop what has it",
    "address already in use": "use another port, or stop what has it",
    "toomanyrequests": "the registry's rate limit is reached: log in, or try again later",
    "no basic auth": "log in: `docker login`, or `egx registry login`",
    "unauthorized": "log in: `docker login`, or `egx registry login`",
    "denied": "log in with an account that may read it: `docker login`, or `egx registry login`",
    "manifest unknown": "the registry does not have it; `egx get releases` lists what the channel has",
    "no matching manifest": "it is not made for this platform; use another version, or another image",
    "x509": "the registry's certificate is not trusted by Docker: give Docker its CA (/etc/docker/certs.d)",
    "no such host": "the registry's name does not resolve: is it right, and is there a network?",
    "connection refused": "nothing answers at the registry: is it up?",
    "not found": "is the name right? `egx get releases` lists what the channel has",
}
"""By what Docker says, the more telling first."""


class DaemonError(DriverError):
    """The Engine refused, or could not."""


class DaemonSilentError(AbsentError):
    """The Engine does not answer."""


def explained(what: str, error: docker.errors.APIError) -> DaemonError:
    """The Engine's answer to somebody who wanted to `what`."""
    said = str(error.explanation or error).strip()
    return DaemonError(f"Docker could not {what}: {said}", hint=hint_for(said))


def hint_for(said: str) -> str:
    """What to do about it; empty where nobody knows."""
    return next((hint for sign, hint in HINTS.items() if sign in said.lower()), "")


def unreachable(where: str, error: Exception) -> DriverError:
    """Why the Engine there does not answer: a DaemonError where it is there, else a DaemonSilentError."""
    text = str(error)
    if "Permission denied" in text or isinstance(error, PermissionError):
        return DaemonError(
            f"this user may not use Docker at {where}",
            hint="add the user to the group docker and log in again, or use rootless Docker",
        )
    if isinstance(error, FileNotFoundError) or "FileNotFoundError" in text or "No such file" in text:
        return DaemonSilentError(
            f"there is no Docker at {where}", hint="install and start Docker; gateways on `process` need none"
        )
    if "Read timed out" in text:
        return DaemonSilentError(f"Docker at {where} does not answer in time", hint="is it overloaded? try again")
    return DaemonSilentError(
        f"Docker at {where} does not answer", hint="start it (Docker Desktop, or `systemctl start docker`)"
    )
