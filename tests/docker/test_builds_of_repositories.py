"""Images from Git repositories: the commit is decided once and told, and nothing of the repository is run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.docker import building
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def engine(settings: Any) -> Iterator[docker.APIClient]:
    why = building.missing()
    require("docker", present=not why, why=why)
    settings.EGX_BUILDX = "off"
    with building.engine() as client:
        yield client


def git(folder: Path, *argv: str) -> str:
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *identity, "-C", str(folder), *argv], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = building.source(tmp_path / "repository", building.LABELLED)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


def labels(client: docker.APIClient, image: str) -> dict[str, str]:
    held: Any = client.inspect_image(image)  # type: ignore[no-untyped-call]
    return dict(held["Config"]["Labels"])


def test_a_branch_of_a_repository_is_built_at_its_commit(engine: docker.APIClient, repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "next")
    building.source(repository / "web", building.LABELLED, hello="from below\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "second")
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "--quiet", "main")
    image = building.name("branch:1")
    done = building.build(f"file://{repository}#next:web", image, version="2.0")
    assert done.state == "done", done.error
    assert done.result["check_source"]["commit"] == commit
    assert labels(engine, image)["org.commit"] == commit
    assert not (building.desk(done.key) / "source").exists()


def test_a_folder_that_is_a_checkout_tells_its_commit_and_whether_it_differs(
    engine: docker.APIClient, repository: Path
) -> None:
    image, commit = building.name("checkout:1"), git(repository, "rev-parse", "HEAD")
    clean = building.build(repository, image)
    assert clean.state == "done", clean.error
    assert clean.result["check_source"] | {"date": "", "before": ""} == {
        "commit": commit, "modified": False, "date": "", "before": "",
    }  # fmt: skip
    (repository / "hello").write_text("changed\n")
    changed = building.build(repository, image)
    assert changed.result["check_source"]["modified"]
    assert labels(engine, image)["org.commit"] == commit
    assert git(repository, "status", "--porcelain") == "M hello"


def test_a_ref_that_is_not_there_is_said(engine: docker.APIClient, repository: Path) -> None:
    failed = building.build(f"file://{repository}#nowhere", building.name("nowhere:1"))
    assert failed.state == "rolled_back"
    assert "nowhere" in failed.error
    assert failed.hint


def test_hooks_and_filters_of_a_repository_are_not_run(
    engine: docker.APIClient, repository: Path, tmp_path: Path
) -> None:
    sign = tmp_path / "was-run"
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {sign}\n")
    hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", f"touch {sign}; false")
    for source in (repository, f"file://{repository}"):
        done = building.build(source, building.name("hooks:1"))
        assert done.state == "done", done.error
    assert not sign.exists()


def test_a_link_local_address_is_not_asked(engine: docker.APIClient) -> None:
    failed = building.build("https://169.254.169.254/latest/app.git", building.name("local:1"))
    assert failed.state == "rolled_back"
    assert "169.254.169.254" in failed.error
    assert "not fetched from" in failed.error


def test_a_folder_that_leads_out_of_the_repository_is_refused(engine: docker.APIClient, repository: Path) -> None:
    (repository / "out").symlink_to("/etc")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "a way out")
    failed = building.build(f"file://{repository}#main:out", building.name("out:1"))
    assert failed.state == "rolled_back"
    assert "no folder out" in failed.error
