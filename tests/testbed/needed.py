"""The testbed for a test that needs it: skipped where it is not there, failed where it must be."""

from __future__ import annotations

from tests.requirements import require
from tests.testbed.places import TestbedError
from tests.testbed.state import Testbed, seen


def testbed() -> Testbed:
    """What `python -m tests.testbed up` has made and started."""
    try:
        return seen()
    except TestbedError as error:
        require("docker", present=False, why=str(error))
        raise
