"""A secret that somehow gets into a message does not get into the log."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest
import structlog
from django.conf import settings
from django.test import Client

from egx_project.access import people, services

SECRETS = {
    "/login/Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA": "Zm9vYmFyYmF6",
    "egx_Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA": "Zm9vYmFyYmF6",
    "Bearer some-other-kind-of-token": "some-other-kind",
    "postgres://egx:hunter2@db/egx": "hunter2",
    "redis://:hunter2@cache:6379/0": "hunter2",
}
"""What may get into a message, and what of it must not be read."""


@pytest.fixture
def line() -> logging.Formatter:
    """What EGX's handler writes."""
    configured = dict(cast("Any", settings.LOGGING)["formatters"]["line"])
    return structlog.stdlib.ProcessorFormatter(**{name: value for name, value in configured.items() if name != "()"})


def said(line: logging.Formatter, message: str, *, broken: Exception | None = None) -> str:
    error = (type(broken), broken, None) if broken else None
    return line.format(logging.LogRecord("egx", logging.WARNING, __file__, 1, message, (), error))


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_left_out_of_messages_and_of_tracebacks(line: logging.Formatter, secret: str) -> None:
    for text in (said(line, f"went wrong: {secret} at 3"), said(line, "broke", broken=ValueError(secret))):
        assert SECRETS[secret] not in text


@pytest.mark.django_db
def test_a_dead_login_link_is_not_in_the_log(
    client: Client, line: logging.Formatter, caplog: pytest.LogCaptureFixture
) -> None:
    secret = services.issue_link(user=people.owner(), by="tester").rpartition("/")[2]
    services.use_link(secret)
    client.get(f"/login/{secret}")
    assert caplog.records
    assert all(secret not in line.format(record) for record in caplog.records)
