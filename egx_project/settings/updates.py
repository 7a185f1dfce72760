"""Where releases come from, and what is kept for going back."""

from __future__ import annotations

from egx_project.settings.core import env

EGX_PACKAGE_INDEX = env.str("EGX_PACKAGE_INDEX", default="")
"""The package index (simple API as JSON, PEP 691) that offers engines; empty for the one that pip uses here."""

EGX_OWN_INDEX = env.str("EGX_OWN_INDEX", default="")
"""The package index that offers EGX's own releases; empty: they are not looked for."""

EGX_SIGNATURE_KEY = env.str("EGX_SIGNATURE_KEY", default="")
"""A PEM file with the public key that signs images of Envoy Gateway; empty: signatures cannot be checked."""

EGX_CHECK_SECONDS = env.int("EGX_CHECK_SECONDS", default=3600)
"""How often channels are asked for new releases. 0: only on demand."""

EGX_BACKUP_PASSPHRASE = env.str("EGX_BACKUP_PASSPHRASE", default="")
"""Seals the secrets in backups of the whole instance; empty leaves them out."""

EGX_BACKUPS_KEPT = env.int("EGX_BACKUPS_KEPT", default=10)
"""Good backups of the whole instance that stay; of a gateway its policy says."""
