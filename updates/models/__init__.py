from __future__ import annotations

from updates.models.backup import Backup, BackupState
from updates.models.policy import Mode, Signatures, UpdatePolicy
from updates.models.registry_login import RegistryLogin
from updates.models.release import ChannelCheck, Quarantine, Release
from updates.models.soak import Soak, SoakState

__all__ = [
    "Backup", "BackupState", "ChannelCheck", "Mode", "Quarantine", "RegistryLogin", "Release", "Signatures", "Soak",
    "SoakState", "UpdatePolicy",
]  # fmt: skip
