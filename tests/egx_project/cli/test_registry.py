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


def test_a_login_without_a_user_is_bad_input_and_sends_nothing(egx: Egx, fake: FakeEgx) -> None:
    assert egx("registry", "login", "docker.io", stdin=b"x\n").code == 2
    assert fake.seen == []


def test_logins_are_listed_and_forgotten(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["GET /registries"] = Answer({"items": [KEPT]})
    fake.answers["DELETE /registries/docker.io"] = Answer("", status=204)
    assert "127.0.0.1:5000" in egx("registry", "list").stdout
    assert egx("registry", "list", "--json").json == {"items": [KEPT]}
    assert egx("registry", "logout", "docker.io").stdout == "the login at docker.io is forgotten\n"


def test_a_tag_that_has_moved_is_accepted_by_its_digest(egx: Egx, fake: FakeEgx) -> None:
    fake.answers["PUT /channels/envoy-gateway/releases/1.9.1/accepted"] = Answer("", status=204)
    assert egx("registry", "accept", "1.9.1", "sha256:abc", "--json").json == {"accepted": "sha256:abc"}
    assert fake.seen[-1].body == {"digest": "sha256:abc"}
