"""What real registries offer: paged tags, digests for each platform, logins, company CAs and proxies."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.drivers.logins import Found, Login, Source
from egx_project.lib import images, trust
from egx_project.lib.clock import SystemClock
from egx_project.lib.fetch import Politeness
from tests.docker.registries import (
    PASSWORD,
    USER,
    Authority,
    Running,
    authority,
    basic,
    htpasswd,
    registry,
    token_server,
)
from updates.channels.base import ChannelError
from updates.channels.oci import manifests
from updates.channels.oci.channel import RegistryChannel
from updates.channels.oci.client import Registry

pytestmark = pytest.mark.docker

IMAGE = "envoyproxy/gateway"
HERE = manifests.architecture()
ELSEWHERE = "s390x"
ONCE = Politeness(tries=1)


def nobody(_registry: str) -> Found:
    return Found()


def ann(_registry: str) -> Found:
    return Found(Login(USER, PASSWORD))


def channel(host: str, folder: Path, login: Source = nobody) -> RegistryChannel:
    return RegistryChannel(
        "envoy-gateway",
        image=images.parse(f"{host}/{IMAGE}"),
        login=login,
        cache=folder / "cache" / "envoy-gateway.json",
        clock=SystemClock(),
        politeness=ONCE,
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Authority]:
    """A CA that is not believed before somebody says so."""
    yield authority(tmp_path / "ca")
    trust.also("")


def test_releases_are_the_tags_that_are_versions_newest_first_and_each_is_pinned(
    running: Running, tmp_path: Path
) -> None:
    pushed = {tag: running.push(IMAGE, tag, content=tag.encode()) for tag in ("v1.8.0", "v1.10.0", "v1.9.0-rc.1")}
    for other in ("latest", "1.7.0", "v1.9", "sha-abcdef"):
        running.push(IMAGE, other)
    offers = channel(running.host, tmp_path).list().offers
    assert [offer.version for offer in offers] == ["1.10.0", "1.9.0-rc.1", "1.8.0"]
    newest = offers[0].artifact
    assert newest is not None
    assert newest.url == f"oci://{running.host}/{IMAGE}:v1.10.0"
    assert f"sha256:{newest.sha256}" == pushed["v1.10.0"].digest
    assert newest.size == pushed["v1.10.0"].size


def test_an_image_without_an_index_is_pinned_by_its_manifest(running: Running, tmp_path: Path) -> None:
    pushed = running.push(IMAGE, "v1.8.1", architectures=(HERE,), index=False)
    found = channel(running.host, tmp_path).resolve("1.8.1")
    assert f"sha256:{found.sha256}" == pushed.digest
    assert found.size == pushed.size


@pytest.mark.parametrize("index", [True, False], ids=["index", "manifest"])
def test_what_is_for_other_platforms_is_known_and_cannot_be_had(
    running: Running, tmp_path: Path, *, index: bool
) -> None:
    running.push(IMAGE, "v1.99.0", architectures=(ELSEWHERE,), index=index)
    asked = channel(running.host, tmp_path)
    offer = asked.list().offers[0]
    assert offer.version == "1.99.0"
    assert offer.artifact is None
    with pytest.raises(ChannelError, match=f"no 1.99.0 for linux/{HERE}"):
        asked.resolve("1.99.0")


def test_tags_come_in_pages_and_all_are_read(running: Running) -> None:
    repository = "many/tags"
    pushed = running.push(repository, "v0.0.0")
    assert pushed.digest
    with running.client() as client:
        raw = client.get(f"/v2/{repository}/manifests/v0.0.0", headers={"accept": manifests.INDEX})
        for number in range(1, 25):
            headers = {"content-type": manifests.INDEX}
            put = client.put(f"/v2/{repository}/manifests/v0.0.{number}", content=raw.content, headers=headers)
            put.raise_for_status()
    image = images.parse(f"{running.host}/{repository}")
    with pytest.MonkeyPatch.context() as patch, Registry(image, login=nobody, clock=SystemClock()) as opened:
        patch.setattr("updates.channels.oci.client.PAGE", 7)
        page = opened.tags()
    assert page is not None
    assert set(page.tags) == {f"v0.0.{number}" for number in range(25)}


def test_a_tag_that_nobody_has_is_refused(running: Running, tmp_path: Path) -> None:
    running.push(IMAGE, "v1.8.0")
    with pytest.raises(ChannelError, match=r"has no 7\.7\.7"):
        channel(running.host, tmp_path).resolve("7.7.7")


def test_an_image_that_nobody_has_is_said_to_be_missing(running: Running, tmp_path: Path) -> None:
    asked = RegistryChannel(
        "envoy-gateway", image=images.parse(f"{running.host}/no/such"), login=nobody,
        cache=tmp_path / "kept.json", clock=SystemClock(), politeness=ONCE,
    )  # fmt: skip
    with pytest.raises(ChannelError, match="no/such has no list of tags") as failed:
        asked.list()
    assert "name of the image" in failed.value.hint


def test_a_registry_that_is_away_is_answered_for_with_its_last_words_and_their_age(tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as started:
        started.push(IMAGE, "v1.9.0")
        asked = channel(started.host, tmp_path)
        known = asked.list()
    away = asked.list()
    assert [offer.version for offer in away.offers] == ["1.9.0"]
    assert away.fetched_at == known.fetched_at
    assert "cannot be read" in away.problem
    assert asked.resolve("1.9.0") == known.offers[0].artifact


def test_a_moved_tag_is_seen_when_it_is_looked_at_again(running: Running, tmp_path: Path) -> None:
    first = running.push(IMAGE, "v1.8.7", content=b"one")
    asked = channel(running.host, tmp_path)
    seen = {one.tag: one.digest for one in asked.list().sightings}
    second = running.push(IMAGE, "v1.8.7", content=b"two")
    seen_again = {one.tag: one.digest for one in asked.list().sightings}
    assert (seen["v1.8.7"], seen_again["v1.8.7"]) == (first.digest, second.digest)
    assert f"sha256:{asked.resolve('1.8.7').sha256}" == second.digest


# --- logins -----------------------------------------------------------------------------------------------------------


def test_a_registry_that_wants_a_password_gets_it_and_strangers_are_told_what_to_do(tmp_path: Path) -> None:
    with registry(tmp_path / "registry", auth=htpasswd(tmp_path)) as started:
        started.headers = basic()
        started.push(IMAGE, "v1.9.0")
        assert channel(started.host, tmp_path / "a", ann).resolve("1.9.0").size
        with pytest.raises(ChannelError, match="only for those who log in") as stranger:
            channel(started.host, tmp_path / "b").list()
        assert f"egx registry login {started.host}" in stranger.value.hint
        with pytest.raises(ChannelError, match=f"does not take the login of {USER}") as wrong:
            channel(started.host, tmp_path / "c", lambda _: Found(Login(USER, "another secret"))).list()
        assert "another secret" not in f"{wrong.value} {wrong.value.hint} {wrong.value.__cause__}"


def test_a_token_is_had_from_the_registrys_realm_with_the_login_or_without_one(tmp_path: Path) -> None:
    with token_server(tmp_path) as tokens, registry(tmp_path / "registry", auth=tokens.auth) as started:
        started.headers = {"authorization": f"Bearer {tokens.token(f'repository:{IMAGE}:push,pull')}"}
        started.push(IMAGE, "v1.9.0")
        assert channel(started.host, tmp_path / "a").resolve("1.9.0").size
        assert {asked["scope"] for asked in tokens.asked} == {f"repository:{IMAGE}:pull"}
        assert len(tokens.asked) == 1, "one token serves all of a visit"
        assert tokens.asked[0]["authorization"] == ""
        assert channel(started.host, tmp_path / "b", ann).resolve("1.9.0").size
        assert tokens.asked[-1]["authorization"] == basic()["authorization"]
        tokens.strangers = False
        with pytest.raises(ChannelError, match="is not there, or only for those who log in"):
            channel(started.host, tmp_path / "c").list()
        with pytest.raises(ChannelError, match="does not take the login of eve"):
            channel(started.host, tmp_path / "d", lambda _: Found(Login("eve", "x"))).list()


# --- certificates and proxies -----------------------------------------------------------------------------------------


def believed(company: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=company.bundle)


def test_a_certificate_by_a_ca_that_nobody_knows_is_refused_until_somebody_names_the_ca(
    tmp_path: Path, company: Authority
) -> None:
    with registry(tmp_path / "registry", tls=company.issue("127.0.0.1")) as started:
        started.verify = believed(company)
        started.push(IMAGE, "v1.9.0")
        with pytest.raises(ChannelError, match="certificate that is not believed") as failed:
            channel(started.host, tmp_path).list()
        assert "EGX_CA_BUNDLE" in failed.value.hint
        trust.also(str(company.bundle))
        assert channel(started.host, tmp_path).resolve("1.9.0").size


def test_a_certificate_of_another_host_is_refused(tmp_path: Path, company: Authority) -> None:
    trust.also(str(company.bundle))
    with (
        registry(tmp_path / "registry", tls=company.issue("registry.example")) as started,
        pytest.raises(ChannelError, match="certificate that is not believed"),
    ):
        channel(started.host, tmp_path).list()


def test_a_bundle_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    trust.also(str(tmp_path / "empty.pem"))
    try:
        with pytest.raises(ChannelError, match=r"EGX_CA_BUNDLE, .*empty\.pem, has no certificates"):
            channel("registry.example", tmp_path).list()
    finally:
        trust.also("")


def test_a_registry_behind_a_proxy_is_reached_through_it(
    tmp_path: Path, company: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.also(str(company.bundle))
    with registry(tmp_path / "registry", tls=company.issue("registry.example")) as started:
        started.verify = False
        started.push(IMAGE, "v1.9.0")
        with proxy(started.port) as (address, asked):
            for name in ("HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, address)
            for name in ("NO_PROXY", "no_proxy"):
                monkeypatch.delenv(name, raising=False)
            found = channel("registry.example", tmp_path).resolve("1.9.0")
    assert found.url == f"oci://registry.example/{IMAGE}:v1.9.0"
    assert set(asked) == {"registry.example:443"}


@contextlib.contextmanager
def proxy(port: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that leads every CONNECT to this port; its address, and what it was asked for."""
    asked: list[str] = []

    class Connect(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().split()[1].decode())
            while self.rfile.readline().strip():
                pass
            with socket.create_connection(("127.0.0.1", port)) as there:
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                ways = {self.connection: there, there: self.connection}
                while True:
                    ready, _, _ = select.select(list(ways), [], [])
                    for one in ready:
                        chunk = one.recv(65536)
                        if not chunk:
                            return
                        ways[one].sendall(chunk)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connect) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()
