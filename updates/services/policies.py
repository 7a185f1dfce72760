"""How gateways' engines may change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import transaction

from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import BadInputError
from gateways.models import Gateway
from updates.channels.registry import ENGINES, ENGINES_OF, TITLES, usual
from updates.compat import clauses
from updates.models import SIGNATURES_ALSO, UpdatePolicy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def policy_of(gateway: Gateway) -> UpdatePolicy:
    """The gateway's own, or the defaults."""
    return UpdatePolicy.objects.filter(gateway=gateway).first() or usual_policy(gateway, kind=gateway.target.kind)


def usual_policy(gateway: Gateway, *, kind: str) -> UpdatePolicy:
    """Of a gateway, on a target of this kind, for which nobody has said anything."""
    return UpdatePolicy(gateway=gateway, channel=usual(kind))


def set_policy(*, gateway: Gateway, changes: dict[str, Any], by: str) -> UpdatePolicy:
    """Change what is named and leave the rest. Raises BadInputError, with all that is wrong."""
    policy = policy_of(gateway)
    for field, value in changes.items():
        setattr(policy, field, SIGNATURES_ALSO.get(value, value) if field == "signatures" else value)
    check_policy(policy)
    with transaction.atomic():
        policy.save()
        record(EventKind.POLICY_CHANGED, f"gateway/{gateway.place}", by=by, mode=policy.mode)
    return policy


def check_policy(policy: UpdatePolicy) -> None:
    problems = []
    try:
        policy.clean_fields(exclude=["gateway"])
    except ValidationError as error:
        problems += [f"{field}: {' '.join(said)}" for field, said in error.message_dict.items()]
    problems += _unfit_channel(policy)
    unknown = set(filter(None, policy.window_days.split(","))) - set(DAYS)
    if unknown:
        problems.append(f"window_days: {', '.join(sorted(unknown))}; days are {', '.join(DAYS)}")
    try:
        ZoneInfo(policy.window_zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(f"window_zone: there is no time zone {policy.window_zone}")
    try:
        clauses(policy.versions)
    except BadInputError as error:
        problems.append(f"versions: {error}")
    if problems:
        raise BadInputError(f"the policy cannot be: {'; '.join(problems)}")


def _unfit_channel(policy: UpdatePolicy) -> list[str]:
    if policy.channel not in ENGINES:
        return [f"channel: there is no {policy.channel}; there are {', '.join(ENGINES)}"]
    if not hasattr(policy, "gateway"):
        return []
    kind = policy.gateway.target.kind
    fitting = ENGINES_OF.get(kind, ENGINES)
    if policy.channel in fitting:
        return []
    what = TITLES[policy.channel]
    why = f"channel: {policy.channel} has {what}, which a gateway on a {kind} target does not run"
    return [f"{why}; take {' or '.join(fitting)}"]


def in_window(policy: UpdatePolicy, now: datetime) -> bool:
    """Whether an update may begin by itself now. A window that begins before midnight goes on after it."""
    zone = ZoneInfo(policy.window_zone)
    local = now.astimezone(zone)
    days = set(filter(None, policy.window_days.split(","))) or set(DAYS)
    if policy.window_start is None or not policy.window_minutes:
        return DAYS[local.weekday()] in days
    for ago in (0, 1):
        day = (local - timedelta(days=ago)).date()
        begin = datetime.combine(day, policy.window_start, tzinfo=zone)
        if DAYS[day.weekday()] in days and begin <= local < begin + timedelta(minutes=policy.window_minutes):
            return True
    return False


def limits_of(policy: UpdatePolicy, *, judge: bool = True) -> dict[str, Any]:
    """What an operation takes with it, so that a later change of the policy does not change what was planned."""
    return {
        "judge": judge and policy.soak_seconds > 0,
        "rollback": policy.rollback,
        "soak_seconds": policy.soak_seconds,
        "requests": policy.soak_requests,
        "failures_percent": policy.soak_failures_percent,
        "latency_factor": policy.soak_latency_factor,
        "latency_ms": policy.soak_latency_ms,
        "warm_seconds": policy.warm_seconds,
        "drain_seconds": policy.drain_seconds,
    }
