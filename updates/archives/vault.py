"""Seals secrets inside backups, with a passphrase that people keep or a key that the installation keeps.

What is sealed begins with a header: magic, version, which of the two, salt and nonce. The version settles all
parameters, so that a stranger's header cannot ask for a day of work. Header and context are authenticated: what was
sealed for one place opens at no other.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from updates.archives.errors import ArchiveError

KEY_BYTES = 32
LARGEST = 64 * 1024**2
"""Bytes of a secret: it is in memory twice."""

_MAGIC = b"EGXVAULT"
_VERSION = b"\x01"
_BY_PASSPHRASE = b"P"
_BY_KEY = b"K"
_SALT = 16
_NONCE = 12
_TAG = 16
_HEADER = len(_MAGIC) + 2 + _SALT + _NONCE
_PURPOSE = b"egx backup secrets, version 1: "


class _Sealed(NamedTuple):
    header: bytes
    salt: bytes
    nonce: bytes
    content: bytes


def context_of(archive_id: str, path: str) -> bytes:
    """The place of a file in a backup: what is sealed for it opens there only."""
    return f"{archive_id}/{path}".encode()


def seal(plain: bytes, *, passphrase: bytes, context: bytes) -> bytes:
    """Raises ArchiveError for no passphrase, and for more than a secret may have."""
    if not passphrase:
        raise ArchiveError("secrets cannot be sealed with an empty passphrase", hint="choose a passphrase, and keep it")
    salt = os.urandom(_SALT)
    return _seal(plain, how=_BY_PASSPHRASE, salt=salt, key=_stretched(passphrase, salt), context=context)


def unseal(sealed: bytes, *, passphrase: bytes, context: bytes) -> bytes:
    """Raises ArchiveError: not sealed, sealed otherwise, another passphrase, damaged or moved."""
    parts = _parts(sealed, how=_BY_PASSPHRASE)
    plain = _open(parts, key=_stretched(passphrase, parts.salt), context=context)
    if plain is None:
        raise ArchiveError(
            "the secrets of the backup do not open with this passphrase, or were changed since",
            hint="give the passphrase that the backup was made with; without it they must be set anew",
        )
    return plain


class KeyRing:
    """Seals with the installation's own key, each context with a key derived for it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ArchiveError(f"the key for backups must have {KEY_BYTES} bytes, and has {len(key)}")
        self._key = key

    def __repr__(self) -> str:
        return "KeyRing(…)"

    def seal(self, plain: bytes, *, context: bytes) -> bytes:
        salt = os.urandom(_SALT)
        return _seal(plain, how=_BY_KEY, salt=salt, key=self._derived(salt, context), context=context)

    def unseal(self, sealed: bytes, *, context: bytes) -> bytes:
        """Raises ArchiveError: not sealed, sealed otherwise, by another key, damaged or moved."""
        parts = _parts(sealed, how=_BY_KEY)
        plain = _open(parts, key=self._derived(parts.salt, context), context=context)
        if plain is None:
            raise ArchiveError(
                "the secrets of the backup do not open with this installation's key, or were changed since",
                hint="restore the key of the installation that made the backup, or use one made with a passphrase",
            )
        return plain

    def _derived(self, salt: bytes, context: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=_PURPOSE + context).derive(self._key)


def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    # 32 MiB of memory, three times over: about what is advised, and still within a small machine's reach.
    return Scrypt(salt=salt, length=KEY_BYTES, n=2**15, r=8, p=3).derive(passphrase)


def _seal(plain: bytes, *, how: bytes, salt: bytes, key: bytes, context: bytes) -> bytes:
    if len(plain) > LARGEST:
        raise ArchiveError(f"a secret of {len(plain)} bytes cannot be sealed, {LARGEST} are the most")
    nonce = os.urandom(_NONCE)
    header = _MAGIC + _VERSION + how + salt + nonce
    return header + AESGCM(key).encrypt(nonce, plain, header + context)


def _open(parts: _Sealed, *, key: bytes, context: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(parts.nonce, parts.content, parts.header + context)
    except InvalidTag:
        return None


def _parts(sealed: bytes, *, how: bytes) -> _Sealed:
    start = len(_MAGIC)
    if not sealed.startswith(_MAGIC) or len(sealed) < _HEADER + _TAG:
        raise ArchiveError("this is not sealed by EGX, or cut off", hint="take the backup again from where it was made")
    if sealed[start : start + 1] != _VERSION:
        raise ArchiveError(
            f"this was sealed in version {sealed[start]}, and this EGX opens version {_VERSION[0]}",
            hint="use the EGX that made the backup, or a newer one",
        )
    if (sealed_how := sealed[start + 1 : start + 2]) != how:
        raise ArchiveError(*_otherwise(sealed_how))
    header = sealed[:_HEADER]
    return _Sealed(header, header[-_SALT - _NONCE : -_NONCE], header[-_NONCE:], sealed[_HEADER:])


def _otherwise(how: bytes) -> tuple[str]:
    if how == _BY_PASSPHRASE:
        return ("this was sealed with a passphrase: give the passphrase that the backup was made with",)
    if how == _BY_KEY:
        return ("this was sealed with the key of an installation: unpack it where that key is",)
    return ("this was sealed in a way that this EGX does not know: use the EGX that made the backup",)
