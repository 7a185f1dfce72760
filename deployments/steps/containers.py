"""The users' containers come into the network of the gateway's engines, and leave it."""

from __future__ import annotations

from deployments.drivers.base import Driver
from deployments.drivers.joining import ContainerDriver
from deployments.engine.step import Arguments, Result, StepContext, StepError
from deployments.steps.base import Reversible


def _driver(driver: Driver) -> ContainerDriver:
    if not isinstance(driver, ContainerDriver):
        raise StepError(f"gateways on {driver.kind} do not reach containers", hint="use a target of kind docker")
    return driver


class JoinContainers(Reversible):
    """Before a route needs them. What is not there now is joined when it comes."""

    name = "join_containers"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        joined = _driver(context.driver).join(context.scope, arguments["containers"])
        return {"joined": list(joined.containers), **({"missing": list(joined.missing)} if joined.missing else {})}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        _driver(context.driver).leave(context.scope, arguments["containers"])


class LeaveContainers(Reversible):
    """After the last route to them has gone."""

    name = "leave_containers"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        _driver(context.driver).leave(context.scope, arguments["containers"])
        return {}

    def undo(self, context: StepContext, arguments: Arguments, _result: Result) -> None:
        _driver(context.driver).join(context.scope, arguments["containers"])
