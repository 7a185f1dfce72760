"""Logins at container registries: EGX's own, which it keeps sealed, and Docker's."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from deployments.drivers import logins as drivers
from deployments.drivers.docker import credentials
from deployments.drivers.logins import IDENTITY, Login
from egx_project.access.roles import Role
from egx_project.events.models import Event
from egx_project.lib.errors import BadInputError, NotFoundError
from egx_project.lib.sealing import seal, unseal
from tests.admin.world import act, address, browser
from tests.api.client import API, Api
from tests.monitoring.visitors import visitor
from updates.models import RegistryLogin
from updates.services import logins

SECRET = "correct horse battery staple"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration, which is not there yet."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker" / "config.json"


def test_what_is_sealed_opens_with_the_same_key_for_the_same_purpose_only() -> None:
    sealed = seal(SECRET, key="key", purpose="a")
    assert SECRET not in sealed
    assert unseal(sealed, key="key", purpose="a") == SECRET
    assert unseal(sealed, key="key", purpose="b") is None
    assert unseal(sealed, key="another", purpose="a") is None
    assert unseal("gAAAA", key="key", purpose="a") is None


# --- EGX's own --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestOwn:
    def test_a_login_is_kept_sealed_and_found_by_every_name_of_the_registry(self) -> None:
        logins.set_login(registry="https://index.docker.io/v1/", username="ann", password=SECRET, by="tester")
        assert drivers.find("docker.io").login == Login("ann", SECRET)
        assert SECRET not in json.dumps(list(RegistryLogin.objects.values()), default=str)
        assert SECRET not in json.dumps(list(Event.objects.values()), default=str)
        logins.set_login(registry="docker.io", username="bob", password="x", by="tester")
        assert [str(row) for row in logins.logins()] == ["bob at docker.io"]
        logins.remove_login(registry="docker.io", by="tester")
        assert drivers.find("docker.io").login is None
        with pytest.raises(NotFoundError):
            logins.remove_login(registry="docker.io", by="tester")

    @pytest.mark.parametrize(
        ("registry", "username", "password"),
        [("a b", "ann", "x"), ("docker.io", "", "x"), ("docker.io", "a:b", "x"), ("docker.io", "a\n", "x"),
         ("docker.io", "ann", ""), ("docker.io", "ann", "x\ry"), ("docker.io", "ann", "x" * 9000)],
    )  # fmt: skip
    def test_what_no_registry_could_be_told_is_refused(self, registry: str, username: str, password: str) -> None:
        with pytest.raises(BadInputError) as refused:
            logins.set_login(registry=registry, username=username, password=password, by="tester")
        assert password not in str(refused.value) or len(password) < 4
        assert not RegistryLogin.objects.exists()

    def test_a_login_that_another_key_has_sealed_is_said_to_be_lost(self, settings: Any) -> None:
        logins.set_login(registry="docker.io", username="ann", password=SECRET, by="tester")
        settings.SECRET_KEY = "another"
        found = drivers.find("docker.io")
        assert found.login is None
        assert "set it again" in found.problem

    def test_egxs_own_login_wins_over_dockers(self, config: Path) -> None:
        config.write_text(json.dumps({"auths": {"registry.example": {"auth": _basic("docker", "x")}}}))
        assert drivers.find("registry.example").login == Login("docker", "x")
        logins.set_login(registry="registry.example", username="ann", password=SECRET, by="tester")
        assert drivers.find("registry.example").login == Login("ann", SECRET)

    def test_a_password_goes_in_by_the_api_and_never_comes_out(self) -> None:
        api = Api()
        put = api.send("PUT", "/registries/127.0.0.1:5000", {"username": "ann", "password": SECRET})
        assert put.status_code == 200
        assert put.json()["registry"] == "127.0.0.1:5000"
        listed = api.get("/registries")
        assert SECRET not in (put.content + listed.content).decode()
        assert [item["username"] for item in listed.json()["items"]] == ["ann"]
        wrong = api.send("PUT", "/registries/docker.io", {"username": "ann", "password": [SECRET]})
        assert wrong.status_code == 400
        assert SECRET not in wrong.content.decode()
        assert api.send("DELETE", "/registries/127.0.0.1:5000").status_code == 204
        assert api.send("DELETE", "/registries/127.0.0.1:5000").status_code == 404

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
    def test_only_an_admin_may(self, role: Role) -> None:
        client = visitor(role)
        assert client.get(f"{API}/registries").status_code == 403
        body = {"username": "ann", "password": "x"}
        assert client.put(f"{API}/registries/docker.io", body, content_type="application/json").status_code == 403
        assert client.delete(f"{API}/registries/docker.io").status_code == 403

    def test_the_admin_shows_no_password_and_forgets_a_login(self) -> None:
        row = logins.set_login(registry="docker.io", username="ann", password=SECRET, by="tester")
        client = browser(Role.ADMIN)
        text = client.get(address(RegistryLogin, "change", row.pk)).content.decode()
        assert "ann" in text
        assert SECRET not in text
        assert row.sealed not in text
        assert "is forgotten" in act(client, "forget", row)
        assert not RegistryLogin.objects.exists()

    def test_a_dump_of_the_database_does_not_have_the_password(self, tmp_path: Path) -> None:
        logins.set_login(registry="docker.io", username="ann", password=SECRET, by="tester")
        call_command("dumpdata", "updates", output=str(tmp_path / "dump.json"))
        assert "ann" in (tmp_path / "dump.json").read_text()
        assert SECRET not in (tmp_path / "dump.json").read_text()


# --- Docker's ---------------------------------------------------------------------------------------------------------


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def test_without_docker_there_is_no_login_and_no_problem() -> None:
    assert credentials.find("docker.io") == drivers.Found()


@pytest.mark.parametrize("key", ["docker.io", "https://index.docker.io/v1/", "index.docker.io"])
def test_a_login_in_dockers_configuration_is_found(config: Path, key: str) -> None:
    config.write_text(json.dumps({"auths": {key: {"auth": _basic("ann", "a:b")}, "other.example": {}}}))
    assert credentials.find("docker.io").login == Login("ann", "a:b")
    assert credentials.find("other.example").login is None
    assert credentials.find("nobody.example").login is None


def test_an_identity_token_in_dockers_configuration_is_one(config: Path) -> None:
    config.write_text(json.dumps({"auths": {"registry.example": {"identitytoken": "refresh"}}}))
    assert credentials.find("registry.example").login == Login(IDENTITY, "refresh")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '{"auths": 5}', '{"auths": {"docker.io": {"auth": "%%%"}}}', '{"auths": {"docker.io": 5}}',
     '{"auths": {"docker.io": {"auth": "c2VjcmV0"}}}', '{"credsStore": "is-not-there"}', '{"credHelpers": 7}',
     '{"auths": {"docker.io": {"auth": "/////w=="}}}', "\x00"],
)  # fmt: skip
def test_a_broken_configuration_is_a_problem_and_no_failure(config: Path, text: str) -> None:
    config.write_text(text)
    found = credentials.find("docker.io")
    assert found.login is None
    assert str(config) in found.problem
    assert "c2VjcmV0" not in found.problem
    assert "secret" not in found.problem


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper, as Docker calls them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / "docker-credential-tests"
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return file


def test_a_credential_helper_is_asked(config: Path, helper: Path) -> None:
    helper.write_text(
        "#!/bin/sh\nread host\n"
        'if [ "$host" = registry.example ]; then echo \'{"Username": "ann", "Secret": "from the helper"}\'\n'
        "else echo 'credentials not found in native keychain'; exit 1; fi\n"
    )
    helper.chmod(0o700)
    config.write_text(json.dumps({"credHelpers": {"registry.example": "tests", "other.example": "tests"}}))
    assert credentials.find("registry.example").login == Login("ann", "from the helper")
    assert credentials.find("other.example") == drivers.Found()
    config.write_text(json.dumps({"credsStore": "tests"}))
    assert credentials.find("registry.example").login == Login("ann", "from the helper")


def test_a_credential_helper_that_fails_is_a_problem(config: Path, helper: Path) -> None:
    helper.write_text("#!/bin/sh\necho the keychain is locked; exit 3\n")
    helper.chmod(0o700)
    config.write_text(json.dumps({"credHelpers": {"registry.example": "tests"}}))
    found = credentials.find("registry.example")
    assert found.login is None
    assert "tests" in found.problem
