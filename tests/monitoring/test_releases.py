"""The page of releases: what there is, who runs it, and what may be done about it."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from egx_project.access.roles import Role
from egx_project.events.models import Event
from gateways.models import Gateway
from monitoring import fragments
from monitoring.offers import RELEASES_A_PAGE, RUNNING_SHOWN
from tests import builders
from tests.monitoring.visitors import visitor
from updates.channels import registry
from updates.channels.base import ChannelError, Listing, Offer
from updates.models import ChannelCheck, Quarantine
from updates.services import checks, releases

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def gateway() -> Gateway:
    return builders.serve_gateway(target=builders.fake_target())


@pytest.fixture
def operator() -> Client:
    return visitor(Role.OPERATOR)


def text_of(client: Client, path: str = "/releases") -> str:
    answer = client.get(path)
    assert answer.status_code == HTTPStatus.OK, path
    return unescape(answer.content.decode())


class FixedChannel:
    """A channel that says what it was told to say."""

    def __init__(self, listing: Listing | ChannelError) -> None:
        self.listing = listing

    def list(self) -> Listing:
        if isinstance(self.listing, ChannelError):
            raise self.listing
        return self.listing


def channel_says(monkeypatch: pytest.MonkeyPatch, listing: Listing | ChannelError) -> None:
    monkeypatch.setattr(registry, "channel", lambda *_args, **_named: FixedChannel(listing))


def test_the_newest_release_is_first_whatever_its_text_sorts_like(operator: Client) -> None:
    for version in ("1.9.0", "1.10.1", "1.10.0"):
        builders.offer(version)
    page = text_of(operator)
    places = [page.index(f"<strong>{version}</strong>") for version in ("1.10.1", "1.10.0", "1.9.0")]
    assert places == sorted(places)


def test_a_release_says_which_gateways_run_it_and_not_all_of_many(operator: Client, gateway: Gateway) -> None:
    serving = gateway.slots.get(state="serving")
    builders.offer(serving.version)
    assert ">web</a>" in text_of(operator)
    for number in range(RUNNING_SHOWN):
        other = Gateway.objects.create(name=f"a{number}", target=gateway.target, spec={})
        serving.pk, serving.gateway = None, other
        serving.save(force_insert=True)
    assert "and 1 more" in text_of(operator)


def test_what_was_taken_back_is_put_away_or_fits_nobody_here_is_told_apart(operator: Client) -> None:
    builders.offer("1.41.0", digest="sha256:1")
    builders.offer("1.40.0", yanked=True)
    builders.offer("1.39.0", url="")
    builders.offer("1.38.0")
    releases.quarantine(channel="envoy", version="1.38.0", reason="it crashes", by="ann")
    page = text_of(operator)
    for state in ("installed", "yanked", "unavailable", "quarantined"):
        assert f'data-state="{state}"' in page
    assert "ann: it crashes" in page


def test_channels_are_there_before_they_were_ever_asked_and_say_their_problem(operator: Client) -> None:
    assert text_of(operator).count("never") == len(registry.CHANNELS)
    ChannelCheck.objects.create(channel="envoy", problem="the index does not answer")
    assert "the index does not answer" in text_of(operator)


def test_an_operator_asks_a_channel_now(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    channel_says(monkeypatch, Listing(offers=[Offer("1.41.0")]))
    assert "Check now" in text_of(operator, "/channels/envoy/check")
    assert operator.post("/channels/envoy/check")["location"] == "/releases"
    page = text_of(operator)
    assert "1.41.0" in page
    assert "channel envoy was asked" in page


def test_a_channel_that_cannot_say_is_a_sentence(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    channel_says(monkeypatch, ChannelError("no index is known", hint="set one"))
    operator.post("/channels/envoy/check")
    page = text_of(operator)
    assert "channel envoy cannot say what there is: no index is known (set one)" in page
    assert operator.post("/channels/nope/check").status_code == HTTPStatus.BAD_REQUEST


def test_an_operator_puts_a_version_away_with_a_reason_and_takes_it_back(operator: Client) -> None:
    builders.offer("1.41.0")
    place = "/releases/envoy/1.41.0"
    assert 'name="reason"' in text_of(operator, f"{place}/quarantine")
    assert operator.post(f"{place}/quarantine", {"reason": "it leaks"})["location"] == "/releases"
    assert Quarantine.objects.get().reason == "the-operator: it leaks"
    assert f"{place}/lift" in text_of(operator)
    assert operator.post(f"{place}/lift")["location"] == "/releases"
    assert not Quarantine.objects.exists()
    assert operator.post(f"{place}/lift").status_code == HTTPStatus.NOT_FOUND


def test_a_quarantine_without_a_reason_or_of_what_nobody_offers_is_refused_in_words(operator: Client) -> None:
    builders.offer("1.41.0")
    refused = operator.post("/releases/envoy/1.41.0/quarantine", {"reason": "  "})
    assert "say why" in refused.content.decode()
    refused = operator.post("/releases/envoy/9.9.9/quarantine", {"reason": "x"})
    assert "channel envoy has no 9.9.9" in refused.content.decode()
    assert not Quarantine.objects.exists()


def test_a_viewer_sees_all_of_it_and_changes_nothing() -> None:
    builders.offer("1.41.0")
    browser = visitor(Role.VIEWER)
    page = text_of(browser)
    assert "1.41.0" in page
    assert "Check now" not in page
    assert "Quarantine…" not in page
    for path in ("/channels/envoy/check", "/releases/envoy/1.41.0/quarantine", "/releases/envoy/1.41.0/lift"):
        assert browser.post(path, {"reason": "x"}).status_code == HTTPStatus.FORBIDDEN
    assert not Quarantine.objects.exists()
    assert not Event.objects.filter(kind="channel.asked").exists()


def test_the_page_costs_a_constant_number_of_queries_and_has_pages(operator: Client, gateway: Gateway) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            text_of(operator)
        return len(counted)

    builders.offer("1.0.0")
    operator.get("/releases")
    few = queries()
    for number in range(RELEASES_A_PAGE):
        builders.offer(f"2.{number}.0")
    assert queries() == few
    assert "<strong>1.0.0</strong>" not in text_of(operator)
    assert "<strong>1.0.0</strong>" in text_of(operator, "/releases?page=2")


def test_what_channels_say_is_text(operator: Client) -> None:
    builders.offer(HOSTILE[:40], notes_url=f"javascript:alert(1)//{HOSTILE}")
    ChannelCheck.objects.update(problem=HOSTILE)
    Quarantine.objects.create(channel="envoy", version=HOSTILE[:40], reason=HOSTILE)
    page = operator.get("/releases").content.decode()
    assert "<script>alert" not in page
    assert "javascript:" not in page


def test_whoever_watches_is_told_when_a_channel_was_asked_a_version_put_away_or_a_gateway_changed() -> None:
    for subject in ("channel/envoy", "release/envoy/1.41.0", "gateway/web"):
        assert set(fragments.render("releases", role=Role.VIEWER, subjects=frozenset({subject}))) == {"releases"}
    assert fragments.render("releases", role=Role.VIEWER, subjects=frozenset({"token/ci"})) == {}


def test_asking_a_channel_is_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    channel_says(monkeypatch, Listing(problem="away"))
    checks.check("envoy")
    asked = Event.objects.get(kind="channel.asked")
    assert (asked.subject, asked.data) == ("channel/envoy", {"problem": "away"})
