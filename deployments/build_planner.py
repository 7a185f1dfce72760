"""How an image is built: a pure function of what was asked for and of what the Engine can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.drivers.building import METHODS, BuildObservation
from deployments.drivers.sources import Source
from deployments.engine.plan import Plan, PlannedStep
from deployments.models import Operation
from egx_project.lib.errors import ConflictError
from gateways.spec.snapshot import GatewaySnapshot


def plan(operation: Operation, _desired: GatewaySnapshot | None, observed: BuildObservation) -> Plan:
    """The plan of an operation row."""
    return plan_build(operation.name, operation.options, observed, choices=operation.choices or None)


def plan_build(
    name: str, asked: Mapping[str, Any], observed: BuildObservation, *, choices: Mapping[str, Any] | None = None
) -> Plan:
    """Build, look at what came out, and only then give it its name; publish it last.

    Raises ConflictError for what the Engine cannot do.
    """
    chosen = dict(choices or {"method": observed.method})
    platforms = list(asked["platforms"])
    if len(platforms) > 1:
        _refuse_many(platforms, chosen["method"], observed)
    source = dict(asked["source"])
    what = {"source": source, "file": asked["file"]}
    limits = {"largest": asked["largest"], "labels": list(asked["labels"]), "platforms": platforms}
    steps = [
        PlannedStep("check_source", f"{Source.of(source)} must be there, with {asked['file']}", {**what, "name": name}),
        PlannedStep(
            "build_image",
            f"by {METHODS[chosen['method']]}, for {', '.join(platforms) or 'what the Engine runs on'}",
            {**what, "platforms": platforms, "method": chosen["method"]},
        ),
        PlannedStep("check_image", f"{_limits(limits)} are looked at before it has a name", limits),
        PlannedStep("tag_image", f"it is what was asked for, and becomes {name}", {"name": name}),
    ]
    if asked["push"]:
        steps.append(PlannedStep("push_image", "its registry gets it last, and its tag last of all", {"name": name}))
    return Plan(title=f"build image {name} from {Source.of(source)}", steps=tuple(steps), choices=chosen)


def _refuse_many(platforms: list[str], method: str, observed: BuildObservation) -> None:
    if method == "classic":
        raise ConflictError(
            f"without BuildKit an image is built for one platform, not for {', '.join(platforms)}",
            hint="install the buildx plugin on the host that builds, or ask for one platform",
        )
    if not observed.many_platforms:
        raise ConflictError(
            f"the image store of this Engine ({observed.version}) holds no image of several platforms",
            hint="turn on its containerd image store, or ask for one platform",
        )


def _limits(limits: Mapping[str, Any]) -> str:
    parts = [
        f"its size (at most {limits['largest']} bytes)" if limits["largest"] else "its size",
        f"its labels ({', '.join(limits['labels'])})" if limits["labels"] else "its labels",
        "its platform",
    ]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
