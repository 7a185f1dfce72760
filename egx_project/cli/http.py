"""httpx without its own command line.

Where click is installed, `import httpx` loads its demonstration CLI and with it rich and pygments: 0.15 s
that each run of `egx` would pay for nothing.
"""

from __future__ import annotations

import sys

if "httpx" in sys.modules:
    import httpx
else:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # Python's way to say: not importable
    try:
        import httpx
    finally:
        del sys.modules["httpx._main"]

__all__ = ["httpx"]
