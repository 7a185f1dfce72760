"""The steps. A new one is added here and in a planner; the kill matrix finds it by itself."""

from __future__ import annotations

from deployments.engine.step import Step
from deployments.steps.build import BuildImage, CheckImage, CheckSource, PushImage, TagImage
from deployments.steps.configure import CheckConfig, ConfigureSlots, NarrowEdge, TryConfig, WidenEdge
from deployments.steps.prepare import Preflight, Pull
from deployments.steps.remove import CloseEdge, DrainClients, Forget, StopSlots
from deployments.steps.slots import DrainOld, RetireOld, StartNew, WaitHealthy
from deployments.steps.traffic import OpenEdge, SwitchTraffic

STEPS: tuple[Step, ...] = (
    Preflight(), Pull(), CheckConfig(), StartNew(), WaitHealthy(), TryConfig(), OpenEdge(), SwitchTraffic(),
    DrainOld(), RetireOld(), NarrowEdge(), ConfigureSlots(), WidenEdge(), DrainClients(), CloseEdge(), StopSlots(),
    Forget(), CheckSource(), BuildImage(), CheckImage(), TagImage(), PushImage(),
)  # fmt: skip
