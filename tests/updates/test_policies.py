"""When an update may happen by itself, and what a policy may say."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from egx_project.lib.errors import BadInputError
from gateways.models import Gateway, Target
from gateways.services import usual_version
from tests.builders import carry_out, fake_target, offer, serve_gateway, set_policy
from updates import quarantine
from updates.models import Quarantine, Soak, UpdatePolicy
from updates.services import checks, policies, soaks

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def gateway() -> Gateway:
    return serve_gateway(target=fake_target())


def window(**fields: Any) -> UpdatePolicy:
    return UpdatePolicy(**fields)


@pytest.mark.parametrize(
    ("at", "within"),
    [
        ("2026-06-03T22:59Z", False),
        ("2026-06-03T23:00Z", True),
        ("2026-06-04T00:59Z", True),
        ("2026-06-04T01:00Z", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(at: str, within: bool) -> None:
    policy = window(window_days="wed", window_start=time(23, 0), window_minutes=120)
    assert policies.in_window(policy, datetime.fromisoformat(at)) is within


def test_a_window_is_in_its_own_time_zone_in_summer_and_in_winter() -> None:
    policy = window(window_start=time(2, 0), window_minutes=60, window_zone="Europe/Berlin")
    assert policies.in_window(policy, datetime(2026, 7, 1, 0, 30, tzinfo=UTC))
    assert not policies.in_window(policy, datetime(2026, 7, 1, 1, 30, tzinfo=UTC))
    assert policies.in_window(policy, datetime(2026, 12, 1, 1, 30, tzinfo=UTC))
    assert not policies.in_window(policy, datetime(2026, 12, 1, 0, 30, tzinfo=UTC))


def test_without_a_window_every_moment_of_the_days_named_will_do() -> None:
    assert policies.in_window(window(), NOW)
    assert policies.in_window(window(window_days="wed,thu"), NOW)
    assert not policies.in_window(window(window_days="sat,sun"), NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "always"), ("channel", "nowhere"), ("versions", "newer"), ("window_zone", "Mars/Olympus"),
        ("window_days", "wed,someday"), ("soak_failures_percent", 101), ("skip_minor", 0), ("keep_backups", 0),
        ("check_seconds", 1), ("window_minutes", 1441), ("soak_latency_factor", 0.5), ("signatures", "perhaps"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_is_refused_by_the_name_of_its_field(gateway: Gateway, field: str, value: Any) -> None:
    with pytest.raises(BadInputError, match=field):
        set_policy(gateway, **{field: value})
    assert not UpdatePolicy.objects.exists()


def auto(gateway: Gateway, **fields: Any) -> UpdatePolicy:
    return set_policy(gateway, mode="auto", cool_down_hours=24, **fields)


def asked_for(gateway: Gateway) -> str:
    """The version that the policy has put in by itself, as far as it is asked for."""
    soaks.update_by_policy(now=NOW)
    operation = gateway.operations.filter(kind="update").last()
    return str(operation.options["version"]) if operation else ""


def old_enough(version: str) -> None:
    offer(version, published_at=NOW - timedelta(hours=25))


def test_auto_puts_the_newest_in_by_itself(gateway: Gateway) -> None:
    auto(gateway)
    old_enough("1.40.1")
    assert asked_for(gateway) == "1.40.1"
    operation = carry_out(gateway.operations.get(kind="update"))
    assert (operation.state, operation.requested_by) == ("done", "policy")
    assert checks.current_version(gateway) == "1.40.1"


@pytest.mark.parametrize("mode", ["off", "notify"])
def test_the_other_modes_put_nothing_in(gateway: Gateway, mode: str) -> None:
    auto(gateway)
    set_policy(gateway, mode=mode)
    old_enough("1.40.1")
    assert asked_for(gateway) == ""


def test_a_release_younger_than_the_cool_down_waits_and_an_older_one_is_taken_meanwhile(gateway: Gateway) -> None:
    auto(gateway)
    offer("1.40.2", published_at=NOW - timedelta(hours=23))
    assert asked_for(gateway) == ""
    old_enough("1.40.1")
    assert asked_for(gateway) == "1.40.1"


def test_one_whose_date_nobody_knows_counts_from_when_it_was_first_seen(gateway: Gateway) -> None:
    auto(gateway)
    release = offer("1.40.1", published_at=None)
    type(release).objects.update(seen_at=NOW - timedelta(hours=1))
    assert asked_for(gateway) == ""
    type(release).objects.update(seen_at=NOW - timedelta(hours=25))
    assert asked_for(gateway) == "1.40.1"


def test_outside_the_window_nothing_happens(gateway: Gateway) -> None:
    auto(gateway, window_days="sun")
    old_enough("1.40.1")
    assert asked_for(gateway) == ""


def test_one_in_quarantine_is_never_put_in_until_somebody_lifts_it(gateway: Gateway) -> None:
    auto(gateway)
    old_enough("1.40.1")
    Quarantine.objects.create(channel="envoy", version="1.40.1", reason="it died")
    assert asked_for(gateway) == ""
    quarantine.lift(channel="envoy", version="1.40.1", by="tester")
    assert asked_for(gateway) == "1.40.1"


def test_while_a_soak_is_under_way_no_other_update_begins_by_itself(gateway: Gateway) -> None:
    auto(gateway)
    old_enough("1.40.1")
    asked_for(gateway)
    carry_out(gateway.operations.get(kind="update"))
    assert Soak.objects.filter(gateway=gateway, over_at=None).exists()
    old_enough("1.40.2")
    assert asked_for(gateway) == "1.40.1"


def test_one_beyond_the_policys_range_or_step_is_not_offered_and_it_is_said_why(gateway: Gateway) -> None:
    set_policy(gateway, versions="<1.41")
    offer("1.41.0")
    assert not checks.update_info(gateway).upgrade_available
    set_policy(gateway, versions="", skip_minor=1)
    offer("1.43.0")
    info = checks.update_info(gateway)
    assert info.latest is not None
    assert info.latest.version == "1.41.0"
    assert "3 minor versions" in info.why_not


# --- channels ---------------------------------------------------------------------------------------------------------


def on(kind: str, version: str = "1.0.0") -> Gateway:
    target = Target.objects.create(name=kind, kind=kind, node="test")
    return Gateway.objects.create(name=f"on-{kind}", target=target, engine_version=version)


@pytest.mark.parametrize(
    ("kind", "channel", "current", "newest"),
    [("process", "envoy", "1.40.0", "1.41.0"), ("docker", "envoy-gateway", "1.9.0", "1.9.1")],
)
def test_a_gateways_channel_is_the_one_that_its_runtime_can_use(
    kind: str, channel: str, current: str, newest: str
) -> None:
    gateway = on(kind, current)
    offer("1.41.0")
    offer("1.9.1", channel="envoy-gateway")
    assert policies.policy_of(gateway).channel == channel
    latest = checks.update_info(gateway).latest
    assert latest is not None
    assert (latest.channel, latest.version) == (channel, newest)
    assert set_policy(gateway, mode="auto").channel == channel


@pytest.mark.parametrize(("kind", "channel"), [("process", "envoy-gateway"), ("docker", "envoy")])
def test_a_channel_that_its_runtime_cannot_use_is_refused_with_those_it_can(kind: str, channel: str) -> None:
    with pytest.raises(BadInputError, match=f"a gateway on a {kind} target does not run; take "):
        set_policy(on(kind), channel=channel)


@pytest.mark.parametrize(
    ("image", "version"), [("docker.io/envoyproxy/gateway", "1.9.0"), ("mirror.example/gateway:v1.8.3", "1.8.3")]
)
def test_a_new_gateway_in_docker_has_the_version_of_the_image_or_of_the_setting(
    settings: Any, image: str, version: str
) -> None:
    settings.ENVOY_GATEWAY_IMAGE = image
    assert usual_version("docker") == version
    assert usual_version("process") == settings.EGX_ENVOY_VERSION


def test_only_channels_that_somebody_has_a_use_for_are_asked(settings: Any) -> None:
    settings.ENVOY_GATEWAY_IMAGE = "127.0.0.1:9/envoyproxy/gateway"
    assert [row.channel for row in checks.check_due()] == ["envoy"]
    on("docker")
    assert [row.channel for row in checks.check_due()] == ["envoy-gateway"]


def test_an_image_name_that_is_none_is_said_by_the_channel(settings: Any) -> None:
    settings.ENVOY_GATEWAY_IMAGE = "https://docker.io/a"
    assert "is no image name" in checks.check("envoy-gateway").problem
