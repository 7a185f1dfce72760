"""`python -m egx_project.cli` is `egx`."""

from __future__ import annotations

import sys

from egx_project.cli import main

if __name__ == "__main__":
    sys.exit(main())
