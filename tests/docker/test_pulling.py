"""Engines come from a registry: pulled with progress, pinned by digest, kept; what cannot be had is a sentence."""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from deployments.drivers import logins
from deployments.drivers.base import Artifact, DriverError, Engine
from deployments.drivers.docker.driver import DockerDriver
from tests.docker import newer_engine, places, registries
from tests.requirements import require
from tests.testbed.places import folder as places_of_testbed
from tests.testbed.state import Testbed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture
def driver(testbed: Testbed, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerDriver]:
    monkeypatch.setattr(logins, "_own", [])
    with places.home_of(testbed) as home:
        made = places.driver(home, testbed)
        yield made
        made.ground.clear()
        made.ground.daemon.close()


def test_a_pull_is_by_digest_and_keeps_the_image_from_pruning(
    driver: DockerDriver, testbed: Testbed, engine: docker.DockerClient
) -> None:
    image = testbed.images["gateway-v1.9.0"]
    artifact = Artifact(url=f"oci://{image.reference}", sha256=image.digest.removeprefix("sha256:"), size=0)
    pulled = driver.pull(Engine(version="1.9.0", artifact=artifact))
    assert pulled.digest == image.digest
    kept = engine.images.get("egx-keep/gateway:1.9.0")
    assert f"{testbed.registry}/envoyproxy/gateway@{image.digest}" in kept.attrs["RepoDigests"]
    assert driver.pull(Engine(version="1.9.0")) == pulled


def test_a_digest_that_the_registry_does_not_have_is_not_replaced_by_what_has_the_tag(
    driver: DockerDriver, testbed: Testbed
) -> None:
    image = testbed.images["gateway-v1.9.0"]
    artifact = Artifact(url=f"oci://{image.reference}", sha256="0" * 64, size=0)
    with pytest.raises(DriverError, match="manifest unknown") as refused:
        driver.pull(Engine(version="1.9.0", artifact=artifact))
    assert "egx get releases" in refused.value.hint


def test_an_image_that_is_no_envoy_gateway_is_refused(driver: DockerDriver, testbed: Testbed) -> None:
    image = testbed.images["busybox"]
    artifact = Artifact(url=f"oci://{image.reference}", sha256=image.digest.removeprefix("sha256:"), size=0)
    with pytest.raises(DriverError, match="does not say which Envoy"):
        driver.pull(Engine(version="0.0.1-busybox", artifact=artifact))


def test_an_image_for_another_platform_is_refused(
    driver: DockerDriver, testbed: Testbed, engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    reference = f"{testbed.registry}/egx-tests/foreign"
    built, _log = engine.images.build(path=str(tmp_path), tag=f"{reference}:v1.0.0", platform="linux/s390x")
    try:
        if built.attrs["Architecture"] != "s390x":  # this builder gives what it builds its own platform
            pytest.skip("the Engine's classic builder cannot make an image of another platform")
        pushed = engine.images.push(reference, tag="v1.0.0", stream=True, decode=True)
        digest = next(line["aux"]["Digest"] for line in pushed if "aux" in line)
        artifact = Artifact(url=f"oci://{reference}:v1.0.0", sha256=digest.removeprefix("sha256:"), size=0)
        with pytest.raises(DriverError, match="is made for linux/s390x"):
            driver.pull(Engine(version="1.0.0", artifact=artifact))
    finally:
        engine.images.remove(f"{reference}:v1.0.0", force=True)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("oci://127.0.0.1:1/envoyproxy/gateway:v1.9.0", "connection refused"),
        ("oci://registry.invalid/envoyproxy/gateway:v1.9.0", "no such host|lookup|does not resolve|Temporary failure"),
    ],
)
def test_a_registry_that_does_not_answer_is_said(driver: DockerDriver, url: str, says: str) -> None:
    with pytest.raises(DriverError, match=says) as refused:
        driver.pull(Engine(version="9.9.9", artifact=Artifact(url=url, sha256="0" * 64, size=0)))
    assert refused.value.hint


def test_a_registry_whose_certificate_docker_does_not_trust_is_said(
    driver: DockerDriver, engine: docker.DockerClient, tmp_path: Path
) -> None:
    # Of loopback Docker asks for no certificate.
    address = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    tls = registries.authority(tmp_path / "ca").issue(address)
    with registries.registry(tmp_path / "registry", tls=tls, address=address) as running:
        url = f"oci://{running.host}/envoyproxy/gateway:v1.9.0"
        with pytest.raises(DriverError, match="x509") as refused:
            driver.pull(Engine(version="9.9.9", artifact=Artifact(url=url, sha256="0" * 64, size=0)))
    assert "/etc/docker/certs.d" in refused.value.hint


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_registry_that_refuses_the_login_is_said_without_the_password(
    driver: DockerDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    with registries.registry(tmp_path, auth=registries.htpasswd(tmp_path)) as running:
        if password:
            own = logins.Found(login=logins.Login(username=registries.USER, password=password))
            monkeypatch.setattr(logins, "_own", [lambda _registry: own])
        url = f"oci://{running.host}/envoyproxy/gateway:v1.9.0"
        with pytest.raises(DriverError, match=r"no basic auth|unauthorized|denied") as refused:
            driver.pull(Engine(version="9.9.9", artifact=Artifact(url=url, sha256="0" * 64, size=0)))
    assert "docker login" in refused.value.hint
    assert "wrong" not in str(refused.value)


def test_a_disk_that_is_full_in_the_middle_of_a_pull_is_said(
    testbed: Testbed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = newer_engine.missing()
    require("docker", present=not missing, why=missing)
    monkeypatch.setattr(logins, "_own", [])
    with (
        small_disk(megabytes=150) as folder,
        newer_engine.engine(folder, storage=places_of_testbed("registry")) as host,
    ):
        driver = places.driver(tmp_path, dataclasses.replace(testbed, socket=host.removeprefix("unix://")))
        with pytest.raises(DriverError, match="no space left") as refused:
            driver.pull(Engine(version="1.9.0"))
        assert "free some space" in refused.value.hint
        left = docker.DockerClient(base_url=host)
        assert left.images.list() == []
        left.close()
        driver.ground.daemon.close()


@contextmanager
def small_disk(*, megabytes: int) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="egx-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "egx-tests", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--recursive", folder], check=True)
        folder.rmdir()


@pytest.mark.parametrize("version", ["../../etc", "1.9.0;reboot", "a" * 60, "", "-rm"])
def test_a_hostile_version_is_refused_before_anything_is_asked(driver: DockerDriver, version: str) -> None:
    with pytest.raises(DriverError, match="is not a version"):
        driver.pull(Engine(version=version))
