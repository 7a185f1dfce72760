"""A tag that moves is an alarm: nothing of it is put in until somebody accepts where it points now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from egx_project.access.roles import Role
from egx_project.events.models import Event
from egx_project.lib.errors import ConflictError, NotFoundError
from gateways.models import Gateway
from tests.admin.world import act, browser
from tests.api.client import Api
from tests.builders import fake_target, serve_gateway, set_policy
from tests.monitoring.visitors import visitor
from tests.updates.oci.shelf import IMAGE, Shelf, serving
from updates import ledger
from updates.models import Release, SeenDigest
from updates.services import changes, checks

pytestmark = pytest.mark.django_db(transaction=True)

CHANNEL = "envoy-gateway"


@pytest.fixture
def shelf(settings: Any, tmp_path: Path) -> Iterator[Shelf]:
    """A registry with one release."""
    settings.EGX_DATA_DIR = tmp_path
    settings.EGX_ENVOY_VERSION = "1.9.0"  # of gateways on the fake runtime, which takes any channel
    with serving() as running:
        settings.ENVOY_GATEWAY_IMAGE = f"{running.host}/{IMAGE}"
        running.offer("v1.9.1")
        yield running


@pytest.fixture
def gateway(shelf: Shelf) -> Gateway:
    gateway = serve_gateway(target=fake_target())
    set_policy(gateway, channel=CHANNEL)
    return gateway


def asked() -> Release:
    row = checks.check(CHANNEL)
    assert row.problem == ""
    return Release.objects.get(version="1.9.1")


def moved(shelf: Shelf) -> tuple[str, str]:
    """What the tag pointed at, and what it points at now."""
    before = f"sha256:{asked().sha256}"
    now = shelf.offer("v1.9.1", content=b"other bytes")
    asked()
    return before, now


def alarms() -> list[dict[str, Any]]:
    return list(Event.objects.filter(kind="release.moved").values_list("data", flat=True))


def test_what_a_tag_points_at_is_written_down_and_no_alarm(shelf: Shelf) -> None:
    first = asked()
    asked()
    line = SeenDigest.objects.get()
    assert (line.tag, line.digest, line.accepted) == ("v1.9.1", f"sha256:{first.sha256}", True)
    assert line.last_seen > line.first_seen
    assert first.moved_from == ""
    assert alarms() == []


def test_a_tag_that_has_moved_is_said_once_and_shown_with_its_release(shelf: Shelf) -> None:
    before, now = moved(shelf)
    asked()
    assert alarms() == [{"tag": "v1.9.1", "was": before, "now": now}]
    shown = Api().items("/releases?version=1.9.1")[0]
    assert shown["state"] == "moved"
    assert shown["pinned"] == now
    assert before in shown["reason"]
    page = visitor(Role.OPERATOR).get("/releases").content.decode()
    assert before in page
    assert "/releases/envoy-gateway/1.9.1/accept" in page


def test_a_release_whose_tag_has_moved_is_not_offered_and_refused(shelf: Shelf, gateway: Gateway) -> None:
    assert asked()
    assert checks.update_info(gateway).upgrade_available
    before, now = moved(shelf)
    assert not checks.update_info(gateway).upgrade_available
    with pytest.raises(ConflictError, match=r"tag of Envoy Gateway 1\.9\.1 has moved") as refused:
        changes.request_update(gateway=gateway, version="1.9.1", by="tester")
    assert before in refused.value.message
    assert now in refused.value.hint


def test_a_tag_that_moves_back_is_as_it_was(shelf: Shelf) -> None:
    moved(shelf)
    shelf.offer("v1.9.1")
    assert asked().moved_from == ""
    shelf.offer("v1.9.1", content=b"other bytes")
    assert asked().moved_from
    assert len(alarms()) == 2


def test_what_is_accepted_by_its_digest_may_be_put_in(shelf: Shelf, gateway: Gateway) -> None:
    before, now = moved(shelf)
    with pytest.raises(NotFoundError):
        ledger.accept(channel=CHANNEL, version="1.9.1", digest=before, by="tester")
    ledger.accept(channel=CHANNEL, version="1.9.1", digest=now, by="tester")
    assert asked().moved_from == ""
    assert checks.update_info(gateway).upgrade_available
    assert Event.objects.get(kind="release.accepted").data == {"digest": now, "by": "tester"}
    assert SeenDigest.objects.get(digest=now).accepted_by == "tester"
    assert ledger.is_accepted(repository=f"{shelf.host}/{IMAGE}", tag="v1.9.1", digest=before)


def test_it_is_accepted_by_the_api_the_page_and_the_admin(shelf: Shelf) -> None:
    _, now = moved(shelf)
    place = f"/channels/{CHANNEL}/releases/1.9.1/accepted"
    assert Api().send("PUT", place, {"digest": "sha256:" + "0" * 64}).status_code == 404
    assert Api().send("PUT", place, {"digest": "latest\x00"}).status_code == 400
    assert visitor(Role.VIEWER).post(f"/releases/{CHANNEL}/1.9.1/accept", {"digest": now}).status_code == 403
    assert Api().send("PUT", place, {"digest": now}).status_code == 204
    assert asked().moved_from == ""
    newer = shelf.offer("v1.9.1", content=b"yet others")
    asked()
    operator = visitor(Role.OPERATOR)
    assert newer in operator.get(f"/releases/{CHANNEL}/1.9.1/accept?digest={newer}").content.decode()
    assert operator.post(f"/releases/{CHANNEL}/1.9.1/accept?digest={newer}").status_code == 302
    assert asked().moved_from == ""
    shelf.offer("v1.9.1", content=b"and others still")
    assert "is accepted" in act(browser(Role.ADMIN), "accept", asked())
    assert asked().moved_from == ""


def test_a_digest_of_a_tag_that_nobody_has_seen_is_not_the_ledgers_business() -> None:
    assert ledger.is_accepted(repository="docker.io/a/b", tag="v1.0.0", digest="sha256:" + "0" * 64)
