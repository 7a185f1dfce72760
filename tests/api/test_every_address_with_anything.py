"""Whatever is sent to whatever address the description has: no failure of EGX's own, and only answers it describes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.running import Egx

schema = schemathesis.openapi.from_path(Path(__file__).parents[2] / "docs/openapi.yaml")


@schemathesis.serializer("application/gzip")
def as_it_is(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A packed backup, or rather what only says to be one."""
    return value if isinstance(value, bytes) else str(value).encode()


EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12"))
"""For each address and method; more of them find more."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_makes_egx_fail(case: schemathesis.Case[Any], fuzzed: tuple[Egx, str]) -> None:
    egx, token = fuzzed
    if "wait" in (case.query or {}):
        case.query["wait"] = 0
    case.call_and_validate(
        base_url=f"http://localhost:{egx.port}", headers={"Authorization": f"Bearer {token}"}, checks=CHECKS
    )
