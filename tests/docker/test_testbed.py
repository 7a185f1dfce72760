from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import docker
import httpx
import pytest

from egx_project.lib import atomic
from egx_project.lib.clock import SystemClock, wait_for
from tests.testbed.layers import Entry, pack
from tests.testbed.places import TestbedError
from tests.testbed.programs import Service
from tests.testbed.recipes import BACKEND_PORT, GATEWAYS
from tests.testbed.state import Testbed

pytestmark = pytest.mark.docker

IMAGES = [
    *(f"gateway-{gateway}" for gateway in GATEWAYS),
    *(f"envoy-{envoy}" for envoy in GATEWAYS.values()),
    "busybox",
    "test-backend",
    "prometheus",
]


def said(engine: docker.DockerClient, reference: str, *command: str, user: str | None = None) -> str:
    printed: bytes = engine.containers.run(reference, list(command), remove=True, user=user, network_mode="none")
    return printed.decode()


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_envoy_gateway_says_its_version_and_the_envoy_it_expects(
    testbed: Testbed, engine: docker.DockerClient, gateway: str
) -> None:
    image = testbed.images[f"gateway-{gateway}"]
    version = said(engine, image.reference, "version")
    assert f"ENVOY_GATEWAY_VERSION: {gateway}\n" in version
    assert f"ENVOY_PROXY_VERSION: distroless-v{GATEWAYS[gateway]}\n" in version
    assert image.version == gateway


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_envoy_gateway_makes_its_certificates_as_a_user_that_is_not_root(
    testbed: Testbed, engine: docker.DockerClient, gateway: str
) -> None:
    image = testbed.images[f"gateway-{gateway}"]
    container = engine.containers.create(image.reference, ["certgen", "--local"], network_mode="none")
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        made = {str(change["Path"]) for change in container.diff()}
        assert any(path.startswith("/home/nonroot/") and path.endswith(".crt") for path in made), made
    finally:
        container.remove(force=True)


@pytest.mark.parametrize("version", GATEWAYS.values())
def test_envoy_says_its_version(testbed: Testbed, engine: docker.DockerClient, version: str) -> None:
    image = testbed.images[f"envoy-{version}"]
    assert f"/{version}/" in said(engine, image.reference, "--version")
    assert image.version == version


def test_busybox_has_a_shell_and_says_its_version(testbed: Testbed, engine: docker.DockerClient) -> None:
    image = testbed.images["busybox"]
    script = "busybox | head -1; for name in mv chown tar sync sleep; do which $name; done"
    first, *found = said(engine, image.reference, "sh", "-c", script).splitlines()
    assert re.match(rf"BusyBox v{re.escape(image.version)} ", first)
    assert found == [f"/bin/{name}" for name in ("mv", "chown", "tar", "sync", "sleep")]


def test_the_test_backend_answers(testbed: Testbed, engine: docker.DockerClient) -> None:
    container = engine.containers.create(
        testbed.images["test-backend"].reference, ports={f"{BACKEND_PORT}/tcp": ("127.0.0.1", 0)}
    )
    try:
        container.start()
        container.reload()
        (published,) = container.ports[f"{BACKEND_PORT}/tcp"] or []

        def look() -> httpx.Response | None:
            try:
                return httpx.get(f"http://127.0.0.1:{published['HostPort']}/who", trust_env=False)
            except httpx.TransportError:
                return None

        answer = wait_for(look, clock=SystemClock(), seconds=30)
        assert answer is not None, container.logs().decode()
        assert (answer.status_code, answer.json()["path"]) == (200, "/who")
    finally:
        container.remove(force=True)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_pulled_by_digest_is_the_one_of_its_tag(
    testbed: Testbed, engine: docker.DockerClient, name: str
) -> None:
    image = testbed.images[name]
    pulled = engine.images.pull(image.pinned)
    assert pulled.id == engine.images.get(image.reference).id
    assert image.pinned in pulled.attrs["RepoDigests"]
    assert pulled.labels["org.opencontainers.image.version"] == image.version


def test_up_a_second_time_makes_nothing(testbed: Testbed) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "tests.testbed", "up", "--json"], capture_output=True, text=True, check=True
    )
    assert again.stderr == ""
    assert Testbed.of(json.loads(again.stdout)) == testbed


def test_the_same_files_are_the_same_layer(tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_bytes(b"same")
    one = pack([Entry("/bin/program", content=source), Entry("/bin/sh", link="program")], tmp_path / "one")
    os.utime(source, (1, 1))
    two = pack([Entry("/bin/sh", link="program"), Entry("bin/program", content=source)], tmp_path / "two")
    assert (one.digest, one.unpacked) == (two.digest, two.unpacked)


def test_the_test_backend_is_packed_the_same_whichever_process_does_it(tmp_path: Path) -> None:
    pack_it = (
        "import pathlib, sys; from tests.testbed.layers import pack; from tests.testbed.recipes import recipes;"
        "made, = (recipe for recipe in recipes() if recipe.name == 'test-backend');"
        "print(*(pack(entries, pathlib.Path(sys.argv[1])).digest for entries in made.layers()))"
    )
    one, two = (
        subprocess.check_output(
            [sys.executable, "-c", pack_it, str(tmp_path / "layer")], env={**os.environ, "PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    )
    assert one == two


class TestServices:
    @pytest.fixture(autouse=True)
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("EGX_TESTBED_CACHE", str(tmp_path))
        return tmp_path

    def test_what_was_started_is_ended(self) -> None:
        service = Service("sleeper")
        service.start(["sleep", "600"], answers=lambda: True, seconds=5)
        assert Service("sleeper").pid() is not None
        assert service.end()
        assert Service("sleeper").pid() is None
        assert not service.end()

    def test_a_later_process_of_the_same_number_is_left_alone(self, cache: Path) -> None:
        with subprocess.Popen(["sleep", "600"]) as stranger:
            Service("sleeper")  # makes the folder
            atomic.write_json(cache / "run" / "sleeper.json", {"pid": stranger.pid, "start": "an earlier boot/1"})
            assert not Service("sleeper").end()
            assert stranger.poll() is None
            stranger.kill()

    def test_one_that_ends_at_once_is_an_error_with_its_last_words(self) -> None:
        with pytest.raises(TestbedError, match=r"(?s)ended with status 3:.*no such luck"):
            Service("failing").start(["sh", "-c", "echo no such luck; exit 3"], answers=lambda: False, seconds=30)
        assert Service("failing").pid() is None
