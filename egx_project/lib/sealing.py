"""Secrets in rows: sealed with a key that is derived from the installation's own, for one purpose each."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def seal(text: str, *, key: str, purpose: str) -> str:
    return _box(key, purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, key: str, purpose: str) -> str | None:
    """None where it was sealed with another key or for another purpose, or is damaged."""
    try:
        return _box(key, purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        return None


def _box(key: str, purpose: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"egx, {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
