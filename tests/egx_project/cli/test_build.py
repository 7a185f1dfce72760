"""`egx build`: what it asks for, what it shows, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.egx_project.cli.conftest import Egx
from tests.egx_project.cli.fake_egx import Answer, FakeEgx, operation, problem

GIT = "https://git.example.org/team/app.git#main"


def a_build(state: str = "running", **result: Any) -> dict[str, Any]:
    return operation(7, state, kind="build", gateway="", subject="build/app:1", result=result)


def taken(fake: FakeEgx, *states: dict[str, Any], log: str = "") -> None:
    fake.answers["POST /builds"] = Answer({"changes": [], "warnings": [], "operations": [a_build()]}, status=202)
    fake.play(7, *states)
    size = len(log.encode())

    def said(seen: Any) -> Answer:
        offset = int(seen.query.get("offset", 0))
        return Answer({"offset": offset, "next": size, "text": log[offset:], "ended": offset >= size})

    fake.answers["GET /builds/7/log"] = said


DONE = a_build(
    "done",
    check_source={"commit": "c0ffee"},
    build_image={"image": "sha256:1", "method": "classic", "seconds": 1.5},
    check_image={"size": 42, "platform": "linux/amd64"},
    push_image={"digest": "sha256:2"},
)


def test_everything_that_is_said_is_asked_for(fake: FakeEgx, egx: Egx, tmp_path: Path) -> None:
    taken(fake, DONE)
    ran = egx(
        "build", str(tmp_path), "-t", "app:1", "--file", "Other", "--platform", "linux/amd64", "--platform",
        "linux/arm64", "--build-arg", "A=b=c", "--build-arg", "E=", "--version", "1.0", "--push", "--max-size", "500MB",
        "--require-label", "title", "--require-label", "vendor=us", "--target", "docker",
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    (asked,) = fake.requests("POST", "/builds")
    assert asked.body == {
        "name": "app:1",
        "source": str(tmp_path),
        "file": "Other",
        "platforms": ["linux/amd64", "linux/arm64"],
        "build_args": {"A": "b=c", "E": ""},
        "version": "1.0",
        "push": True,
        "max_size": 500_000_000,
        "required_labels": ["title", "vendor=us"],
        "target": "docker",
    }


@pytest.mark.parametrize(("size", "bytes_"), [("7", 7), ("1kb", 1000), ("2MiB", 2 * 1024**2), ("1G", 10**9)])
def test_sizes_are_read_as_people_write_them(fake: FakeEgx, egx: Egx, size: str, bytes_: int) -> None:
    taken(fake, DONE)
    assert egx("build", GIT, "-t", "app:1", "--max-size", size).code == 0
    (asked,) = fake.requests("POST", "/builds")
    assert (asked.body["max_size"], asked.body["source"]) == (bytes_, GIT)


def test_the_log_comes_beside_the_result(fake: FakeEgx, egx: Egx) -> None:
    taken(fake, a_build(), DONE, log="Step 1/2 : FROM scratch\nStep 2/2\n")
    ran = egx("build", GIT, "-t", "app:1")
    assert ran.code == 0
    assert ran.stderr.count("Step 1/2 : FROM scratch") == 1
    assert "app:1  42 bytes, linux/amd64  sha256:1" in ran.stdout
    assert "published as app:1@sha256:2" in ran.stdout
    assert "image app:1: build 7 done" in ran.stdout


def test_json_is_one_document(fake: FakeEgx, egx: Egx) -> None:
    taken(fake, DONE, log="said\n")
    ran = egx("build", GIT, "-t", "app:1", "--json")
    assert (ran.code, ran.json["success"], ran.json["image"], ran.json["digest"]) == (0, True, "sha256:1", "sha256:2")
    assert (ran.json["operation"], ran.json["name"], ran.json["commit"]) == (7, "app:1", "c0ffee")


def test_a_build_that_fails_exits_1_and_says_why(fake: FakeEgx, egx: Egx) -> None:
    taken(fake, a_build("rolled_back") | {"error": "the build failed: no such file", "hint": "put it right"})
    ran = egx("build", GIT, "-t", "app:1")
    assert ran.code == 1
    assert "no such file" in ran.stderr
    assert egx("build", GIT, "-t", "app:1", "--json").json["error"] == "the build failed: no such file"


def test_what_is_refused_exits_4_and_what_is_wrong_2(fake: FakeEgx, egx: Egx, tmp_path: Path) -> None:
    fake.answers["POST /builds"] = problem(409, "Conflict", "operation 3 (build) of image app:1 is not finished")
    assert egx("build", GIT, "-t", "app:1").code == 4
    for wrong in (
        ("build", GIT),
        ("build", str(tmp_path / "none"), "-t", "app"),
        ("build", GIT, "-t", "app", "--max-size", "large"),
        ("build", GIT, "-t", "app", "--build-arg", "A"),
    ):
        assert egx(*wrong).code == 2, wrong
    assert len(fake.requests("POST", "/builds")) == 1
