"""Whose certificates are believed: this system's, and those of EGX_CA_BUNDLE."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

from egx_project.lib.errors import BadInputError

_more: list[Path] = []


def also(bundle: str) -> None:
    """From now on believe the CAs of this PEM file as well; of none with an empty name."""
    _more[:] = [Path(bundle).expanduser()] if bundle else []


def context() -> ssl.SSLContext:
    """For clients. Raises BadInputError where the bundle is none."""
    bundle = _more[0] if _more else None
    try:
        stamp = bundle.stat().st_mtime_ns if bundle else 0
        return _made(bundle, stamp)
    except (OSError, ssl.SSLError) as error:
        raise BadInputError(
            f"EGX_CA_BUNDLE, {bundle}, has no certificates that can be read: {error.strerror or error}",
            hint="it is a PEM file with your CAs' certificates",
        ) from error


@functools.lru_cache(maxsize=4)
def _made(bundle: Path | None, stamp: int) -> ssl.SSLContext:  # noqa: ARG001  a file that was changed is read again
    made = ssl.create_default_context()
    if not _system_has_any():
        import certifi

        made.load_verify_locations(certifi.where())
    if bundle:
        made.load_verify_locations(bundle)
    return made


def _system_has_any() -> bool:
    paths = ssl.get_default_verify_paths()
    if hasattr(ssl, "enum_certificates"):  # Windows keeps them elsewhere
        return True
    return bool(paths.cafile) or bool(paths.capath and any(Path(paths.capath).iterdir()))
