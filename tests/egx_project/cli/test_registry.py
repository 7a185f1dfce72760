"""`egx registry`: a password comes by stdin, never by an argument."""

from __future__ import annotations

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx

KEPT = {"registry": "127.0.0.1:5000", "username": "ann", "by": "cli", "changed_at": "2026-11-24T00:00:00Z"}


def test_a_login_is_sent_with_the_password_of_stdin(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["PUT /registries/127.0.0.1%3A5000"] = Answer(KEPT)
    ran = egx("registry", "login", "127.0.0.1:5000", "-u", "ann", stdin=b"a secret \r\n")
    assert (ran.code, ran.stdout) == (0, "EGX is ann at 127.0.0.1:5000\n")
    assert fake.seen[-1].body == {"username": "ann", "password": "a secret "}
    assert "a secret" not in ran.stdout + ran.stderr
