"""What a desired object is known by: the same tag as long as it says the same (RFC 9110, section 8.8.3)."""

from __future__ import annotations

import hashlib
import json

from gateways.models import ManifestRow

LENGTH = 32


def etag(row: ManifestRow) -> str:
    """Strong; with its quotes."""
    text = json.dumps(row.manifest(), sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:LENGTH]}"'
