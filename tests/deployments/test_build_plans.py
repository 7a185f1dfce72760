"""Which steps a build takes, and what is refused before it begins."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.build_planner import plan_build
from deployments.drivers.building import BuildObservation, Image
from deployments.steps.build import problems
from egx_project.lib.errors import ConflictError

CLASSIC = BuildObservation(key="bd-1", method="classic", version="20.10", platform="linux/amd64")
BUILDKIT = BuildObservation(key="bd-1", method="buildkit", version="20.10", platform="linux/amd64")
CONTAINERD = BuildObservation(key="bd-1", method="buildkit", version="29.0", many_platforms=True)


def asked(**wish: Any) -> dict[str, Any]:
    source = {"folder": "/srv/app", "url": "", "ref": "", "below": ""}
    return {
        "source": source, "file": "Dockerfile", "platforms": [], "arguments": {"A": "b"}, "version": "1.0",
        "push": False, "largest": 0, "labels": [], **wish,
    }  # fmt: skip


def test_it_is_named_after_it_was_looked_at_and_published_last() -> None:
    limits = "its size (at most 5 bytes), its labels (title) and its platform"
    plan = plan_build("app:1", asked(push=True, largest=5, labels=["title"]), BUILDKIT)
    assert plan.text().splitlines() == [
        "build image app:1 from /srv/app",
        "  1. check_source  /srv/app must be there, with Dockerfile",
        "  2. build_image   by BuildKit (docker buildx), for what the Engine runs on",
        f"  3. check_image   {limits} are looked at before it has a name",
        "  4. tag_image     it is what was asked for, and becomes app:1",
        "  5. push_image    its registry gets it last, and its tag last of all",
    ]


def test_values_of_arguments_are_in_no_plan() -> None:
    plan = plan_build("app:1", asked(arguments={"NAME": "the-value"}), BUILDKIT)
    assert "the-value" not in repr(plan)


def test_without_buildkit_the_plan_says_so_and_a_later_attempt_keeps_to_it() -> None:
    plan = plan_build("app:1", asked(), CLASSIC)
    assert "classic builder, as there is no buildx" in plan.text()
    again = plan_build("app:1", asked(), BUILDKIT, choices=plan.choices)
    assert [step.identity for step in again.steps] == [step.identity for step in plan.steps]


@pytest.mark.parametrize(("observed", "why"), [(CLASSIC, "without BuildKit"), (BUILDKIT, "image store")])
def test_several_platforms_are_refused_where_they_cannot_be(observed: BuildObservation, why: str) -> None:
    with pytest.raises(ConflictError, match=why):
        plan_build("app:1", asked(platforms=["linux/amd64", "linux/arm64"]), observed)
    assert plan_build("app:1", asked(platforms=["linux/arm64"]), observed).steps


def test_several_platforms_are_built_where_the_image_store_holds_them() -> None:
    plan = plan_build("app:1", asked(platforms=["linux/amd64", "linux/arm64"]), CONTAINERD)
    assert "for linux/amd64, linux/arm64" in plan.text()


def test_everything_that_is_wrong_with_an_image_is_said_at_once() -> None:
    image = Image(id="sha256:1", size=600, platform="linux/amd64", labels={"vendor": "them", "empty": ""})
    limits = {
        "largest": 500,
        "labels": ["title", "vendor=us", "empty", "vendor"],
        "platforms": ["linux/arm64"],
    }
    assert list(problems(image, limits)) == [
        "it has 600 bytes, and may have 500",
        "it has no label title",
        "its label vendor is 'them', not 'us'",
        "it has no label empty",
        "it is for linux/amd64, not linux/arm64",
    ]
    fine = Image(id="sha256:1", size=500, platform="linux/arm64/v8", labels={"vendor": "us"})
    assert list(problems(fine, {**limits, "labels": ["vendor=us"]})) == []
