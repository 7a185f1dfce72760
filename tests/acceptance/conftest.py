from __future__ import annotations

from tests.e2e.conftest import backend, shared

__all__ = ["backend", "shared"]
