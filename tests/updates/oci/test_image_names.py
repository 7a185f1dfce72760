"""What is the name of an image, and what only looks like one."""

from __future__ import annotations

import pytest

from egx_project.lib import images
from egx_project.lib.errors import BadInputError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("docker.io/envoyproxy/gateway", "docker.io/envoyproxy/gateway"),
        ("envoyproxy/gateway:v1.9.0", "docker.io/envoyproxy/gateway:v1.9.0"),
        ("index.docker.io/envoyproxy/gateway", "docker.io/envoyproxy/gateway"),
        ("gateway", "docker.io/library/gateway"),
        ("localhost/a", "localhost/a"),
        ("127.0.0.1:5000/a/b:x", "127.0.0.1:5000/a/b:x"),
        ("[::1]:5000/a", "[::1]:5000/a"),
        ("Registry.Example.org:443/a__b/c-d.e", "registry.example.org:443/a__b/c-d.e"),
        (f"registry.example.org/a:v1@{DIGEST}", f"registry.example.org/a:v1@{DIGEST}"),
    ],
)
def test_names_are_read_as_docker_reads_them(text: str, whole: str) -> None:
    assert str(images.parse(text)) == whole
    assert images.of_url(images.parse(text).url) == images.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "a/", "/a", "A", "a//b", "a/../b", "..", "-a", "a-", "a b", "a\n", "a:", "a:-x", "a:" + "x" * 129,
        "a@", "a@sha256:abc", "a@md5:" + "a" * 32, f"a@{DIGEST.upper()}", "https://docker.io/a", "user:pass@host.org/a",
        "host.org:0/a", "host.org:65536/a", "host.org:port/a", "host.org/a?b=c", "host.org/a#b", "host.org/a%2f..",
        "ho_st.org/a", "-host.org/a", "host..org/a", "host.org/" + "a" * 250, "x" * 600, "a\u0430", "a\x00b",
        "169.254.169.254/latest/meta-data/", "$(id)", "a;id", "a`id`", "--privileged",
    ],
)  # fmt: skip
def test_hostile_names_are_refused_with_what_is_wrong(text: str) -> None:
    with pytest.raises(BadInputError) as refused:
        images.parse(text)
    assert refused.value.message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("Registry.Example.org:5000", "registry.example.org:5000"),
    ],
)
def test_a_registry_has_one_name(text: str, name: str) -> None:
    assert images.registry(text) == name


@pytest.mark.parametrize(
    "text", ["", "http://registry.example.org", "a/b", "a b", "user@host", "host:99999", "x" * 300]
)
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="no registry"):
        images.registry(text)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost:5000", True), ("127.0.0.1", True), ("127.8.8.8:80", True), ("[::1]:5000", True),
        ("localhost.example.org", False), ("127.0.0.1.example.org", False), ("10.0.0.1", False), ("docker.io", False),
    ],
)  # fmt: skip
def test_only_this_host_by_its_very_name_is_loopback(host: str, here: bool) -> None:
    assert images.is_loopback(host) is here
