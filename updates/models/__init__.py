from __future__ import annotations

from updates.models.backup import Backup, BackupState
from updates.models.policy import SIGNATURES_ALSO, Mode, Signatures, UpdatePolicy
from updates.models.registry_login import RegistryLogin
from updates.models.release import ChannelCheck, Quarantine, Release
from updates.models.seen_digest import SeenDigest
from updates.models.soak import Soak, SoakState

__all__ = [
    "SIGNATURES_ALSO",
    "Backup", "BackupState", "ChannelCheck", "Mode", "Quarantine", "RegistryLogin", "Release", "SeenDigest",
    "Signatures", "Soak", "SoakState", "UpdatePolicy",
]  # fmt: skip
