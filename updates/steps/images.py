"""Is an image what it says to be? Its digest, its platform, its tag's past, and its signature."""

from __future__ import annotations

from deployments.drivers.base import Artifact, Engine
from deployments.engine.step import Arguments, Result, StepContext, StepError
from egx_project.lib import images
from egx_project.lib.errors import BadInputError
from egx_project.lib.fetch import FetchError
from egx_project.lib.images import ImageName
from updates import ledger, opening
from updates.channels.oci.channel import RegistryChannel
from updates.channels.oci.manifests import ManifestError
from updates.channels.oci.signatures import State, Verdict
from updates.channels.registry import GATEWAY
from updates.models import Release, Signatures


def verify(context: StepContext, arguments: Arguments) -> tuple[Engine, Result]:
    """The engine that was pulled, and what was found of it. Raises StepError."""
    version, wanted = arguments["version"], arguments.get("artifact")
    artifact = Artifact(**wanted) if wanted else None
    engine = context.driver.pull(Engine(version=version, artifact=artifact))
    if artifact is None:
        return engine, _unpinned(context, arguments)
    image = images.of_url(artifact.url).pinned(f"sha256:{artifact.sha256}")
    _refuse_another(engine, image)
    channel = opening.gateway_images(image.name)
    notes = [_platform(channel, image)]
    verdict = _signature(channel, image, arguments["signatures"])
    facts: Result = {"image": str(image)}
    if verdict is not None:
        facts |= {"signature": verdict.state.value, "signature_reason": verdict.reason}
        notes.append(verdict.reason if verdict.state != State.SIGNED else "")
        with context.writing():
            Release.objects.filter(channel=GATEWAY, version=version).update(
                signature=verdict.state.value, signature_reason=verdict.reason
            )
    return engine, _noted(context, facts, notes)


def _noted(context: StepContext, facts: Result, notes: list[str]) -> Result:
    said = [note for note in notes if note]
    if said:
        context.record_result(notes=said)
    return {**facts, "notes": said} if said else facts


def _unpinned(context: StepContext, arguments: Arguments) -> Result:
    if arguments["signatures"] == Signatures.REQUIRE:
        raise StepError(
            f"the policy wants a signature, and nobody knows the digest of Envoy Gateway {arguments['version']}",
            hint="ask the channel (page Releases, or `egx update GATEWAY --check`), and then for the update again",
        )
    return _noted(context, {}, ["the channel has not said which digest this version has: it is not pinned"])


def _refuse_another(engine: Engine, image: ImageName) -> None:
    if engine.digest != image.digest:
        raise StepError(
            f"Envoy Gateway {engine.version} was pulled with digest {engine.digest or 'unknown'}, and the channel has "
            f"{image.digest}",
            hint="ask for the update again; if it stays so, somebody on the way gives out other bytes",
        )
    if not ledger.is_accepted(repository=image.name, tag=image.tag, digest=image.digest):
        raise StepError(
            f"the tag {image.tag} of {image.name} has pointed at another digest than {image.digest} before",
            hint=f"ask its publisher why; if it is well, `egx registry accept {engine.version} {image.digest}`",
        )


def _platform(channel: RegistryChannel, image: ImageName) -> str:
    """Raises StepError where it is for others; the answer is why nobody can tell now."""
    try:
        sizes = channel.sizes(image.digest)
    except ManifestError as error:
        raise StepError(error.message, hint=error.hint) from error
    except FetchError as error:
        return f"its platform was not looked at: {error.message}"
    if channel.architecture not in sizes:
        there = ", ".join(f"linux/{each}" for each in sorted(sizes)) or "nothing that EGX knows"
        raise StepError(
            f"{image} is for {there}, and not for linux/{channel.architecture}",
            hint="`egx get releases` lists what there is for this machine",
        )
    return ""


def _signature(channel: RegistryChannel, image: ImageName, policy: str) -> Verdict | None:
    """What is said of it; None where nobody wants to know. Raises StepError where the policy does not allow that."""
    if policy == Signatures.OFF:
        return None
    try:
        verdict = channel.verdict(image.digest, key=opening.signature_key())
    except (ManifestError, BadInputError) as error:
        raise StepError(f"the signature of {image} cannot be checked: {error.message}", hint=error.hint) from error
    except FetchError as error:
        verdict = Verdict(State.UNVERIFIABLE, f"its signature could not be looked for: {error.message}")
    refused = verdict.state == State.WRONG or (policy == Signatures.REQUIRE and verdict.state != State.SIGNED)
    if refused:
        raise StepError(
            f"the policy wants {image} signed: {verdict.reason}",
            hint="an image that EGX may trust is signed by the key of EGX_SIGNATURE_KEY; what the policy wants is its "
            "`signatures`",
        )
    return verdict
