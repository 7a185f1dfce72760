"""Updates from the admin: actions ask first and go through the services, and policies are judged by theirs."""

from __future__ import annotations

import html
import re
from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from deployments.models import Operation, OperationKind
from egx_project.access.roles import Role
from egx_project.events.models import Event
from gateways.models import Gateway
from tests import builders
from tests.admin.world import act, address, browser
from updates.channels import registry
from updates.channels.base import Listing, Offer
from updates.models import Backup, ChannelCheck, Quarantine, Release, UpdatePolicy
from updates.services import backups, releases
from updates.services.policies import policy_of

pytestmark = pytest.mark.django_db

PLANNED = re.compile(r'name="(planned-[^"]+)" value="([0-9a-f]{64})"')


@pytest.fixture
def gateway() -> Gateway:
    return builders.serve_gateway(target=builders.fake_target())


@pytest.fixture
def operator() -> Client:
    return browser(Role.OPERATOR)


def agree(client: Client, action: str, *rows: Gateway | Backup) -> str:
    """Read the plans and say yes to them; the page that follows."""
    asked = act(client, action, *rows)
    return act(client, action, *rows, confirmed="yes", **dict(PLANNED.findall(asked)))


# --- actions --------------------------------------------------------------------------------------------------------


def test_update_shows_the_plan_first_and_then_asks_for_it(operator: Client, gateway: Gateway) -> None:
    builders.offer("1.41.0")
    page = act(operator, "update", gateway)
    assert "update gateway web: Envoy" in page
    assert "runs on for 300 s" in page
    assert not Operation.objects.filter(kind=OperationKind.UPDATE).exists()
    page = agree(operator, "update", gateway)
    asked = Operation.objects.get(kind=OperationKind.UPDATE)
    assert asked.options["version"] == "1.41.0"
    assert f"operation {asked.pk}</a> (update of gateway web) is queued" in page


def test_an_update_that_was_not_planned_is_not_done(operator: Client, gateway: Gateway) -> None:
    builders.offer("1.41.0")
    asked = act(operator, "update", gateway)
    builders.offer("1.41.1")
    page = act(operator, "update", gateway, confirmed="yes", **dict(PLANNED.findall(asked)))
    assert "the plan is another now; nothing was changed" in page
    assert not Operation.objects.filter(kind=OperationKind.UPDATE).exists()


def test_a_gateway_with_nothing_newer_says_so_beside_the_others(operator: Client, gateway: Gateway) -> None:
    builders.offer("1.41.0")
    text = builders.gateway_yaml("old", ports=(9001,))
    other = builders.serve_gateway(target=gateway.target, text=text)
    builders.set_policy(other, versions="<1.2")
    page = act(operator, "update", gateway, other)
    assert "there is no newer one that its policy allows" in page
    assert len(PLANNED.findall(page)) == 1


def test_roll_back_goes_to_the_engine_before(operator: Client, gateway: Gateway) -> None:
    assert "has had no other engine" in act(operator, "roll_back", gateway)
    builders.carry_out(builders.ask_update(gateway))
    assert "is still warm" in act(operator, "roll_back", gateway)
    agree(operator, "roll_back", gateway)
    assert Operation.objects.get(kind=OperationKind.ROLLBACK).requested_by == "ann"


def test_a_backup_is_restored_once_its_plan_is_agreed_to(operator: Client, gateway: Gateway) -> None:
    backup = backups.back_up(gateway=gateway, by="tester")
    assert "restore_desired" in act(operator, "restore", backup)
    assert not Operation.objects.filter(kind=OperationKind.RESTORE).exists()
    page = agree(operator, "restore", backup)
    assert Operation.objects.get(kind=OperationKind.RESTORE).options["restore"] == backup.key
    assert "(restore of gateway web) is queued" in page


def test_a_version_is_put_away_with_a_reason_and_taken_back(operator: Client) -> None:
    release = builders.offer("1.41.0")
    assert 'name="reason"' in act(operator, "quarantine", release)
    assert "a quarantine needs a reason" in act(operator, "quarantine", release, confirmed="yes", reason=" ")
    assert not Quarantine.objects.exists()
    act(operator, "quarantine", release, confirmed="yes", reason="it leaks")
    assert Quarantine.objects.get().reason == "ann: it leaks"
    assert "in quarantine already" in act(operator, "quarantine", release, confirmed="yes", reason="again")
    assert "may be used again" in act(operator, "lift", release)
    assert "is not in quarantine" in act(operator, "lift", release)
    releases.quarantine(channel="envoy", version="1.41.0", reason="x", by="tester")
    act(operator, "lift", Quarantine.objects.get())
    assert not Quarantine.objects.exists()


def test_the_newest_release_is_first_in_the_list(operator: Client) -> None:
    for version in ("1.10.0", "1.9.0", "1.10.1"):
        builders.offer(version)
    listed = operator.get(address(Release, "changelist")).context["cl"].result_list
    assert [release.version for release in listed] == ["1.10.1", "1.10.0", "1.9.0"]


def test_a_channel_is_asked_now_and_says_what_it_cannot(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ChannelCheck.objects.create(channel="envoy")

    class Fixed:
        said = Listing(offers=[Offer("1.41.0")])

        def list(self) -> Listing:
            return self.said

    monkeypatch.setattr(registry, "channel", lambda *_args, **_named: Fixed())
    assert "Channel envoy was asked" in act(operator, "check_now", row)
    assert Release.objects.get().version == "1.41.0"
    monkeypatch.setattr(Fixed, "said", Listing(problem="the index is away"))
    assert "it cannot say what there is: the index is away" in act(operator, "check_now", row)


def test_a_viewer_who_sends_these_anyway_changes_nothing(gateway: Gateway) -> None:
    client, release = browser(Role.VIEWER), builders.offer("1.41.0")
    backup = backups.back_up(gateway=gateway, by="tester")
    events = Event.objects.count()
    for action, row in (("update", gateway), ("roll_back", gateway), ("restore", backup), ("quarantine", release),
                        ("lift", release), ("check_now", ChannelCheck.objects.get())):  # fmt: skip
        act(client, action, row, confirmed="yes", reason="x")
    assert (Operation.objects.count(), Event.objects.count()) == (1, events)


# --- backups as files -----------------------------------------------------------------------------------------------


def packed(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("backup.tar.gz", content, content_type="application/gzip")


def test_a_downloaded_backup_is_taken_in_again(operator: Client, gateway: Gateway) -> None:
    kept, key = backups.back_up(gateway=gateway, by="tester"), backups.back_up(gateway=gateway, by="tester").key
    page = operator.get(address(Backup, "change", key)).content.decode()
    download = operator.get(f"/api/v1/backups/{key}/download")
    assert f'href="/api/v1/backups/{key}/download"' in page
    content = b"".join(download)
    backups.remove(key=key, by="tester")
    answer = operator.post(address(Backup, "add"), {"packed": packed(content)})
    assert answer["location"] == address(Backup, "changelist")
    assert set(Backup.objects.values_list("key", flat=True)) == {kept.key, key}
    assert backups.verify(key) == []


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_what_is_no_backup_is_refused_in_its_form(content: bytes, operator: Client) -> None:
    answer = operator.post(address(Backup, "add"), {"packed": packed(content)})
    assert answer.status_code == HTTPStatus.OK
    assert answer.context["errors"]
    assert not Backup.objects.exists()


def test_a_viewer_takes_nothing_in() -> None:
    answer = browser(Role.VIEWER).post(address(Backup, "add"), {"packed": packed(b"x")})
    assert answer.status_code == HTTPStatus.FORBIDDEN


# --- policies -------------------------------------------------------------------------------------------------------


def form_of(client: Client, path: str) -> dict[str, str]:
    """The fields of the page, as a browser would send them back."""
    form = client.get(path).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {
        name: "on" if value is True else str(value)
        for name, value in values.items()
        if value is not None and value is not False
    }


def test_an_operator_writes_a_policy_through_its_service(operator: Client, gateway: Gateway) -> None:
    page = address(UpdatePolicy, "add")
    form = form_of(operator, page) | {"gateway": str(gateway.pk), "mode": "auto", "versions": ">=1.38,<1.42"}
    assert operator.post(page, form)["location"] == address(UpdatePolicy, "changelist")
    policy = policy_of(gateway)
    assert (policy.mode, policy.versions, policy.warm_seconds) == ("auto", ">=1.38,<1.42", 300)
    assert Event.objects.get(kind="policy.changed").data == {"by": "ann", "mode": "auto"}


def test_a_policy_is_changed_and_stays_with_its_gateway(operator: Client, gateway: Gateway) -> None:
    policy = builders.set_policy(gateway, mode="auto")
    page = address(UpdatePolicy, "change", policy.pk)
    form = form_of(operator, page) | {"mode": "off", "gateway": "999", "drain_seconds": ""}
    assert operator.post(page, form).status_code == HTTPStatus.FOUND
    policy.refresh_from_db()
    assert (policy.mode, policy.gateway_id, policy.drain_seconds) == ("off", gateway.pk, None)
    assert Event.objects.filter(kind="policy.changed").last().data["by"] == "ann"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("versions", "~1.4", "is no range of versions"),
        ("window_days", "mon,someday", "days are mon"),
        ("window_zone", "Nowhere/Land", "there is no time zone"),
        ("skip_minor", "0", "greater than or equal to 1"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_in_its_form(
    field: str, value: str, said: str, operator: Client, gateway: Gateway
) -> None:
    page = address(UpdatePolicy, "add")
    answer = operator.post(page, form_of(operator, page) | {"gateway": str(gateway.pk), field: value})
    assert answer.status_code == HTTPStatus.OK
    assert said in html.unescape(answer.content.decode())
    assert not UpdatePolicy.objects.exists()


def test_a_viewer_reads_policies_and_writes_none(gateway: Gateway) -> None:
    policy, client = builders.set_policy(gateway, mode="auto"), browser(Role.VIEWER)
    page = address(UpdatePolicy, "change", policy.pk)
    assert "300" in client.get(page).content.decode()
    assert client.post(page, {"mode": "off"}).status_code == HTTPStatus.FORBIDDEN
    assert client.post(address(UpdatePolicy, "add"), {"mode": "off"}).status_code == HTTPStatus.FORBIDDEN
    policy.refresh_from_db()
    assert policy.mode == "auto"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_nobody_deletes_a_policy(role: Role, gateway: Gateway) -> None:
    policy = builders.set_policy(gateway, mode="auto")
    refused = browser(role).post(address(UpdatePolicy, "delete", policy.pk), {"post": "yes"})
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert UpdatePolicy.objects.exists()
