"""Is what was pulled what was asked for, and may it run?"""

from __future__ import annotations

from deployments.drivers.base import Engine
from deployments.engine.step import Arguments, Result, StepContext, StepError
from deployments.models import OperationStep, StepState
from deployments.steps.base import Reversible
from updates.channels.registry import GATEWAY, TITLES
from updates.models import Quarantine, Release, Signatures
from updates.quarantine import put_in
from updates.steps import images


class Verify(Reversible):
    """Going back over it, a failure that lies with the engine itself puts what was pulled in quarantine."""

    name = "verify"

    def do(self, context: StepContext, arguments: Arguments) -> Result:
        facts: Result = {}
        if arguments["channel"] == GATEWAY:
            engine, facts = images.verify(context, arguments)
        else:
            engine = context.driver.pull(Engine(version=arguments["version"]))
            self._refuse_unsigned(arguments)
        self._refuse_quarantined(arguments, engine)
        release = Release.objects.filter(channel=arguments["channel"], version=engine.version)
        known = release.exclude(digest="").first()
        if known and known.digest != engine.digest:
            raise StepError(
                f"{TITLES[arguments['channel']]} {engine.version} has digest {engine.digest}, and had {known.digest} "
                "when it was pulled before",
                hint="somebody has published other bytes under the same version; do not use it before you know why",
            )
        with context.writing():
            release.update(digest=engine.digest)
        return {"digest": engine.digest, **facts}

    def _refuse_unsigned(self, arguments: Arguments) -> None:
        if arguments["signatures"] == Signatures.REQUIRE:
            raise StepError(
                f"the policy wants a signature, and channel {arguments['channel']} has none for {arguments['version']}",
                hint="set the policy's signatures to `warn` or `off`, or use a channel that signs",
            )

    def _refuse_quarantined(self, arguments: Arguments, engine: Engine) -> None:
        same = Quarantine.objects.filter(channel=arguments["channel"], digest=engine.digest).first()
        if same:
            raise StepError(
                f"{TITLES[arguments['channel']]} {engine.version} is in quarantine as {same.version}: {same.reason}",
                hint="an operator may lift it, if the reason is gone",
            )

    def undo(self, context: StepContext, arguments: Arguments, result: Result) -> None:
        if "digest" not in result:
            return
        with context.writing() as operation:
            failed = OperationStep.objects.filter(operation=operation, result__unfit_engine=True).first()
            if failed is not None and failed.state != StepState.DONE:
                put_in(
                    channel=arguments["channel"],
                    version=arguments["version"],
                    digest=result["digest"],
                    reason=f"{failed.name}: {failed.error}",
                    operation=operation.pk,
                )
