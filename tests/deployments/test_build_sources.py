"""What may be built from, and what is refused before anything is fetched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.drivers.sources import Source, parse
from egx_project.lib.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("/srv/app", Source(folder="/srv/app")),
        ("https://git.example.org/team/app.git", Source(url="https://git.example.org/team/app.git")),
        ("https://git.example.org/app#main", Source(url="https://git.example.org/app", ref="main")),
        (
            "ssh://git@git.example.org:2222/app.git#v1.0:images/web",
            Source(url="ssh://git@git.example.org:2222/app.git", ref="v1.0", below="images/web"),
        ),
        ("git@git.example.org:team/app.git", Source(url="ssh://git@git.example.org/team/app.git")),
        ("file:///srv/git/app.git#:web", Source(url="file:///srv/git/app.git", below="web")),
    ],
)
def test_folders_and_repositories_are_read(text: str, source: Source) -> None:
    assert parse(text) == source
    assert Source.of(source.as_json()) == source


@pytest.mark.parametrize(
    "text",
    [
        "", "app", "../app", "--upload-pack=touch /tmp/x", "ext::sh -c true", "ext::ssh://host/app", "http://host/app",
        "git://host/app", "ftp://host/app", "fd::17/foo", "https://user:secret@host/app", "https://token@host/app",
        "https://host/app?token=secret", "ssh://-oProxyCommand=true/app", "ssh://-x@host/app", "file://host/share/app",
        "https://host/", "https:///app", "https://host/app#--upload-pack=x", "https://host/app#a..b",
        "https://host/app#main:../up", "https://host/app#main:/etc", "https://host/a\npp", "/srv/\0app", "x" * 3000,
        "-oProxyCommand=x@host:app", "transport::https://host/app",
    ],
)  # fmt: skip
def test_what_is_hostile_or_hides_a_secret_is_refused(text: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse(text)
    assert "secret" not in refused.value.message or "a secret" in refused.value.message


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        source = parse(text)
    except BadInputError:
        return
    assert source.folder.startswith("/") or source.url.startswith(("https://", "ssh://", "file:///"))
