"""The logins that Docker has on this host: in its configuration, or with its credential helpers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

from docker import auth, errors
from docker.utils import config

from deployments.drivers.logins import IDENTITY, Found, Login


def find(registry: str) -> Found:
    """The login at the registry, such as `docker.io`. Never raises: a configuration that is broken is a problem."""
    file = config.find_config_file()
    if not file:
        return Found()
    try:
        with open(file, encoding="utf-8") as opened:  # noqa: PTH123  the client passes over what it cannot read
            settings = json.load(opened)
        if not isinstance(settings, dict):
            raise TypeError("it is no JSON object")  # noqa: TRY301
        with warnings.catch_warnings(action="ignore"):  # of a helper that is not installed; the error says it too
            known = auth.load_config(config_dict=settings).resolve_authconfig(registry)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, errors.DockerException) as error:
        return Found(problem=f"Docker's logins, {file!s}, cannot be read: {_said(error)}")
    return Found(login=_login(known or {}))


def _login(known: Mapping[str, Any]) -> Login | None:
    told = {name.lower(): value for name, value in known.items()}
    if told.get("identitytoken"):
        return Login(IDENTITY, str(told["identitytoken"]))
    if told.get("username") and told.get("password"):
        return Login(str(told["username"]), str(told["password"]))
    return None


def _said(error: Exception) -> str:
    """Without what was read: that may be a secret."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno} is no JSON"
    if isinstance(error, errors.DockerException):
        return str(error)[:200]
    return (error.strerror if isinstance(error, OSError) else "") or "what it says of logins is none"
