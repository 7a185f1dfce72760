"""Asking for updates, rollbacks and restores: the operation's row takes along all that its plan depends on."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from deployments.applying import Outcome, PlanChangedError, apply_manifest
from deployments.drivers.base import Artifact, Engine
from deployments.engine.plan import Plan
from deployments.models import Operation, OperationKind, OperationState
from deployments.services import plan_change, queue
from deployments.tasks import driver_of
from egx_project.lib.errors import BadInputError, ConflictError, NotFoundError
from gateways.manifests.reader import Source, read
from gateways.models import Gateway
from gateways.selectors import find_target, snapshot
from gateways.services import usual_version
from gateways.spec import objects
from updates import backups, compat
from updates.channels.registry import TITLES, usual
from updates.models import Backup, ChannelCheck, Quarantine, Release, UpdatePolicy
from updates.planner import PLANS
from updates.services import checks
from updates.services.backups import fresh_key
from updates.services.policies import limits_of, policy_of


@dataclass(frozen=True)
class Asked:
    """A change that may be made, with all that its plan needs."""

    kind: OperationKind
    options: dict[str, Any]


def request_update(
    *, gateway: Gateway, by: str, version: str = "", downgrade: bool = False, planned: str | None = None
) -> Operation:
    """Put the version, or the newest that the policy allows, in the place of what serves.

    With `planned`, a proposal's fingerprint, only what that proposal said. Raises ConflictError while another lifecycle
    operation is at it, for a version in quarantine and for one that may not follow; NotFoundError for one that nobody
    offers; UpToDateError where there is nothing to do; PlanChangedError where something else would be done.
    """
    asked = ask_update(gateway, version=version, downgrade=downgrade)
    return _queue(gateway, asked, by=by, planned=planned)


class UpToDateError(ConflictError):
    title = "Nothing to do"


def ask_update(gateway: Gateway, *, version: str, downgrade: bool) -> Asked:
    policy, current = policy_of(gateway), checks.current_version(gateway)
    if not ChannelCheck.objects.filter(channel=policy.channel).exists():
        checks.check(policy.channel)
    wanted = version or _newest(gateway)
    if wanted == current:
        raise UpToDateError(f"gateway {gateway.place} runs {TITLES[policy.channel]} {current} already")
    why = compat.why_not(current, wanted, skip_minor=policy.skip_minor, downgrade=downgrade)
    if why:
        raise ConflictError(why)
    _refuse_unfit(policy.channel, wanted, usual=usual_version(gateway.target.kind))
    return Asked(OperationKind.UPDATE, _options(gateway, policy, wanted, reason=f"before the update to {wanted}"))


def _newest(gateway: Gateway) -> str:
    info = checks.update_info(gateway)
    if info.upgrade_available and info.latest:
        return info.latest.version
    said = info.why_not or info.problem
    engine = TITLES[policy_of(gateway).channel]
    raise UpToDateError(
        f"gateway {info.gateway} runs {engine} {info.current}; there is no newer one that its policy allows",
        hint=said or "`egx get releases` lists what there is",
    )


def _options(
    gateway: Gateway, policy: UpdatePolicy, version: str, *, reason: str, judge: bool = True
) -> dict[str, Any]:
    artifact, notes = known_of(policy.channel, version)
    return {
        "version": version,
        "from": checks.current_version(gateway),
        "channel": policy.channel,
        "artifact": asdict(artifact) if artifact else None,
        "backup": fresh_key(),
        "reason": reason,
        "drill": policy.drill,
        "signatures": policy.signatures,
        "limits": limits_of(policy, judge=judge),
        "notes": notes,
    }


def _refuse_unfit(channel: str, version: str, *, usual: str) -> None:
    """Raise NotFoundError for what nobody offers, ConflictError for what is in quarantine or was taken back."""
    bad = Quarantine.objects.filter(channel=channel, version=version).first()
    if bad:
        raise ConflictError(
            f"{TITLES[channel]} {version} is in quarantine: {bad.reason}",
            hint="an operator may lift it (page Releases, or the admin), if the reason is gone",
        )
    release = Release.objects.filter(channel=channel, version=version).first()
    if release is None and version not in {usual, "local"}:
        raise NotFoundError(f"channel {channel} has no {version}", hint="`egx get releases` lists what it has")
    if release is not None and release.yanked:
        raise ConflictError(
            f"{TITLES[channel]} {version} was taken back by its publisher", hint="`egx get releases` lists others"
        )
    if release is not None and release.moved_from:
        raise ConflictError(
            f"the tag of {TITLES[channel]} {version} has moved, from {release.moved_from} to {release.pinned}",
            hint="ask its publisher why; if it is well, `egx registry accept "
            f"{version} {release.pinned}`, and ask again",
        )


def known_of(channel: str, version: str) -> tuple[Artifact | None, list[str]]:
    """Where the version is to be had, as far as anybody knows, and what to know of it.

    A way back is not refused for what the channel says today: the engine may still run, or be unpacked here.
    """
    release = Release.objects.filter(channel=channel, version=version).first()
    if release is None or not release.url:
        return None, []
    told = [f"release notes: {release.notes_url}"] if release.notes_url else []
    # Under a tag that has moved, what was there before is what somebody has trusted.
    digest = release.moved_from.removeprefix("sha256:") or release.sha256
    return Artifact(url=release.url, sha256=digest, size=release.size), told


def request_rollback(
    *, gateway: Gateway, by: str, backup: str = "", reason: str = "", planned: str | None = None
) -> Operation:
    """Back to the engine before the last change, or to a backup.

    Raises ConflictError where nothing was before, or another lifecycle operation is at it; PlanChangedError.
    """
    if backup:
        return request_restore(key=backup, by=by, planned=planned)
    return _queue(gateway, ask_rollback(gateway, reason=reason or f"asked for by {by}"), by=by, planned=planned)


def ask_rollback(gateway: Gateway, *, reason: str) -> Asked:
    version = previous_version(gateway)
    if not version:
        raise ConflictError(
            f"gateway {gateway.place} has had no other engine", hint="`egx get backups` lists what can be restored"
        )
    options = _options(gateway, policy_of(gateway), version, reason=reason, judge=False)
    return Asked(OperationKind.ROLLBACK, {**options, "drill": False, "reason": reason})


def previous_version(gateway: Gateway) -> str:
    """What served before what serves now, and is not in quarantine since; empty where nothing did."""
    done = Operation.objects.filter(
        gateway=gateway, kind__in=(OperationKind.UPDATE, OperationKind.ROLLBACK, OperationKind.RESTORE),
        state=OperationState.DONE,
    )  # fmt: skip
    current, bad = checks.current_version(gateway), checks.quarantined(policy_of(gateway).channel)
    for operation in done.order_by("-pk")[:20]:
        before = str(operation.options.get("from", ""))
        if before and before != current and before not in bad:
            return before
    return ""


def request_restore(*, key: str, by: str, planned: str | None = None) -> Operation:
    """Bring a gateway back to what a backup has: in place, or anew where it is gone.

    Raises NotFoundError, ConflictError, PlanChangedError, and ArchiveError for a backup that is damaged.
    """
    wished = _wished(key)
    gateway = _gateway_of(wished)
    if gateway is None:
        return _restore_anew(backups.find(key), by=by, planned=planned).operations[0]
    return _queue(gateway, ask_restore(gateway, wished, key=key), by=by, planned=planned)


def ask_restore(gateway: Gateway, wished: objects.Gateway, *, key: str) -> Asked:
    serves = checks.current_version(gateway)
    engine = backups.find(key).engine_version or serves
    policy = policy_of(gateway)
    options = _options(gateway, policy, engine, reason=f"before {key} is restored", judge=engine != serves)
    ports = sorted({listener.port for listener in wished.spec.listeners})
    return Asked(OperationKind.RESTORE, {**options, "restore": key, "ports": ports, "drill": False})


def _wished(key: str) -> objects.Gateway:
    """The gateway as the backup has it."""
    if backups.find(key).kind != "gateway":
        raise BadInputError(
            f"{key} is a backup of the whole instance", hint=f"`egx restore {key}` while EGX is stopped"
        )
    return next(item for item in backups.desired_in(key) if isinstance(item, objects.Gateway))


def _gateway_of(wished: objects.Gateway) -> Gateway | None:
    place = wished.metadata
    return Gateway.objects.select_related("target").filter(namespace=place.namespace, name=place.name).first()


def _restore_anew(row: Backup, *, by: str, dry_run: bool = False, planned: str | None = None) -> Outcome:
    manifest = backups.store().read(row.key)
    text = backups.store().open(row.key, backups.DESIRED).decode()
    target = find_target(str(manifest.facts.get("target") or settings.EGX_LOCAL_TARGET))
    with transaction.atomic():
        return apply_manifest(
            read([Source(name=row.key, text=text)]),
            target=target,
            by=by,
            engine=_engine_of(row, target.kind),
            dry_run=dry_run,
            planned=planned,
        )


def _engine_of(row: Backup, kind: str) -> Engine:
    version = row.engine_version or usual_version(kind)
    artifact, _ = known_of(usual(kind), version)
    return Engine(version=version, artifact=artifact)


def _queue(gateway: Gateway, asked: Asked, *, by: str, planned: str | None = None) -> Operation:
    if planned is not None:
        now = _proposed(gateway, _plan(gateway, asked))
        if now.fingerprint != planned:
            raise PlanChangedError(now)
    result = {"from": asked.options["from"], "to": asked.options["version"]}
    return queue(gateway, asked.kind, by=by, options=asked.options, result=result)


def plan_for(gateway: Gateway, *, version: str = "", back: bool = False) -> Plan:
    """What would be done now: for a version, an update; for none, whatever the gateway is behind. Changes nothing."""
    if back:
        return _plan(gateway, ask_rollback(gateway, reason=""))
    if not version or version == checks.current_version(gateway):
        return plan_change(gateway)
    return _plan(gateway, ask_update(gateway, version=version, downgrade=True))


def _plan(gateway: Gateway, asked: Asked) -> Plan:
    desired, observed = snapshot(gateway), driver_of(gateway.target).observe(gateway.key)
    return PLANS[asked.kind](gateway.place, asked.options, desired, observed)


# --- proposals: a plan, and the fingerprint by which one agrees to it -----------------------------------------------


def propose_update(gateway: Gateway, *, version: str) -> Outcome:
    """What `request_update` would do with the version. Raises what it raises."""
    return _proposed(gateway, _plan(gateway, ask_update(gateway, version=version, downgrade=True)))


def propose_rollback(gateway: Gateway) -> Outcome:
    return _proposed(gateway, _plan(gateway, ask_rollback(gateway, reason="")))


def propose_restore(key: str) -> Outcome:
    wished = _wished(key)
    gateway = _gateway_of(wished)
    if gateway is None:
        return _restore_anew(backups.find(key), by="", dry_run=True)
    return _proposed(gateway, _plan(gateway, ask_restore(gateway, wished, key=key)))


def _proposed(gateway: Gateway, plan: Plan) -> Outcome:
    fingerprint = hashlib.sha256(plan.text().encode()).hexdigest()
    return Outcome(plans={gateway.place: plan}, fingerprint=fingerprint)
