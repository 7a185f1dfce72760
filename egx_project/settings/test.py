"""The same settings over a data directory that a test run makes and removes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "EGX_DATA_DIR" not in os.environ:
    _home = tempfile.mkdtemp(prefix="egx-")
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
    os.environ["EGX_DATA_DIR"] = _home

from egx_project.settings.main import *

EGX_NODE = "test"
EGX_HEALTHY_SECONDS = 10.0
EGX_STEADY_SECONDS = 0.05
EGX_BASELINE_SECONDS = 0.1
EGX_DRAIN_SECONDS = 5.0

EGX_PACKAGE_INDEX = "http://127.0.0.1:9/"
"""Where nobody answers: a test that wants an index runs its own."""
