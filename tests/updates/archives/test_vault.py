"""What is sealed opens with what it was sealed with, where it was sealed for, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from updates.archives import vault
from updates.archives.errors import ArchiveError
from updates.archives.vault import KeyRing, context_of, seal, unseal

PLAIN = b"-----BEGIN PRIVATE KEY-----\n" * 3
HERE = context_of("bk-20260131T120000Z-0a1b2c", "secrets/tls.key")
ELSEWHERE = context_of("bk-20260131T120000Z-0a1b2c", "secrets/other.key")
KEY = bytes(range(32))


def test_a_passphrase_opens_what_it_sealed() -> None:
    sealed = seal(PLAIN, passphrase=b"correct horse", context=HERE)
    assert unseal(sealed, passphrase=b"correct horse", context=HERE) == PLAIN
    assert b"PRIVATE" not in sealed
    assert b"horse" not in sealed


@pytest.mark.parametrize("plain", [b"", PLAIN, os.urandom(100_000)], ids=len)
def test_a_key_opens_what_it_sealed(plain: bytes) -> None:
    sealed = KeyRing(KEY).seal(plain, context=HERE)
    assert KeyRing(KEY).unseal(sealed, context=HERE) == plain
    assert sealed != KeyRing(KEY).seal(plain, context=HERE)


def test_another_passphrase_key_or_place_does_not_open_it() -> None:
    by_passphrase = seal(PLAIN, passphrase=b"right", context=HERE)
    with pytest.raises(ArchiveError, match=r"passphrase.*give the passphrase that the backup was made with"):
        unseal(by_passphrase, passphrase=b"wrong", context=HERE)
    with pytest.raises(ArchiveError, match="do not open"):
        unseal(by_passphrase, passphrase=b"right", context=ELSEWHERE)
    by_key = KeyRing(KEY).seal(PLAIN, context=HERE)
    with pytest.raises(ArchiveError, match=r"this installation's key.*restore the key"):
        KeyRing(bytes(32)).unseal(by_key, context=HERE)
    with pytest.raises(ArchiveError, match="do not open"):
        KeyRing(KEY).unseal(by_key, context=ELSEWHERE)


def test_what_is_tried_in_the_wrong_way_is_told_the_right_one() -> None:
    with pytest.raises(ArchiveError, match="sealed with a passphrase"):
        KeyRing(KEY).unseal(seal(PLAIN, passphrase=b"right", context=HERE), context=HERE)
    with pytest.raises(ArchiveError, match="sealed with the key of an installation"):
        unseal(KeyRing(KEY).seal(PLAIN, context=HERE), passphrase=b"right", context=HERE)


def test_with_any_byte_changed_or_cut_off_it_does_not_open() -> None:
    ring = KeyRing(KEY)
    sealed = ring.seal(b"secret", context=HERE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(ArchiveError):
            ring.unseal(bytes(changed), context=HERE)
        with pytest.raises(ArchiveError):
            ring.unseal(sealed[:position], context=HERE)


def test_a_newer_version_is_told_as_such() -> None:
    sealed = bytearray(KeyRing(KEY).seal(b"secret", context=HERE))
    sealed[8] = 2
    with pytest.raises(ArchiveError, match=r"version 2, .*newer"):
        KeyRing(KEY).unseal(bytes(sealed), context=HERE)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: seal(PLAIN, passphrase=b"", context=HERE),
        lambda: KeyRing(b"short"),
        lambda: KeyRing(KEY).seal(bytes(vault.LARGEST + 1), context=HERE),
    ],
    ids=["no passphrase", "a short key", "too much"],
)
def test_what_would_be_no_seal_is_refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(ArchiveError):
        attempt()


def test_a_key_ring_does_not_show_its_key() -> None:
    assert repr(KeyRing(KEY)) == "KeyRing(…)"
