"""What an xDS resource is here: JSON-ready, with the type URL where a file subscription needs it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

Resource = dict[str, Any]

TYPES = "type.googleapis.com/envoy"


def without_type(resource: Resource) -> Resource:
    """The resource as a bootstrap has it, where the field itself says the type."""
    return {key: value for key, value in resource.items() if key != "@type"}


def digest(definition: Resource) -> str:
    """Short, and different for every definition."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:10]
