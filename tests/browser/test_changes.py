"""What people do in the dashboard: apply, watch, change and remove, with the gateway's own answers as the proof."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Opens
from tests.browser.visits import (
    card,
    expect_live,
    expect_state,
    mark,
    plan,
    was_not_reloaded,
)
from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, get, is_listening, quiet_port, streaming

pytestmark = pytest.mark.browser

MOST_TABS = 40


def test_the_printed_link_logs_in_once_and_shows_the_demo_gateway_that_serves(browser: Browser) -> None:
    with Egx() as egx:
        said = egx.do("up", "-d").out
        link = next(word for word in said.split() if "/login/" in word)
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        demo = card(page, "demo")
        expect_state(demo, "serving")
        address = demo.get_by_role("link", name=f"http://localhost:{egx.demo_port}").get_attribute("href")
        answer = page.request.get(address or "")
        assert (answer.status, answer.json()["instance"]) == (HTTPStatus.OK, "demo")
        stranger = browser.new_context().new_page()
        stranger.goto(link)
        expect(stranger.get_by_role("heading", name="This link logs nobody in")).to_be_visible()


def test_a_gateway_is_applied_watched_changed_and_removed(page: Page, egx: Egx, backend: int) -> None:
    port = quiet_port()
    written = gateway_yaml("shop", ports=(port,)) + route_yaml(
        "shop", gateway="shop", path="/one", backend_port=backend
    )

    page.get_by_role("link", name="Apply", exact=True).click()
    plan(page, written)
    expect(page.locator("#plan")).to_contain_text("Gateway shop")
    expect(page.locator("#plan")).to_contain_text("switch_traffic")
    assert not is_listening(port)
    page.get_by_role("button", name="Apply").click()

    expect(page.get_by_role("heading", name="deploy shop")).to_be_visible()
    mark(page)
    expect_state(page, "done")
    expect(page.locator(".steps > li").last).to_contain_text("switch_traffic")
    assert was_not_reloaded(page)
    assert get(port, "/one").json["instance"] == "own"

    page.get_by_role("link", name="shop", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("/one/*")
    page.get_by_role("link", name="Edit").click()
    text = page.get_by_label("Gateway API manifests, as YAML").input_value()
    plan(page, text.replace("/one", "/two"))
    expect(page.locator("#plan")).to_contain_text("configure_slots")
    assert get(port, "/two").status == HTTPStatus.NOT_FOUND
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="configure shop")).to_be_visible()
    expect_state(page, "done")
    assert get(port, "/two").json["instance"] == "own"

    page.get_by_role("link", name="shop", exact=True).click()
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_role("main")).to_contain_text(f"HTTP on port {port}")
    page.get_by_role("button", name="Remove shop").click()
    expect_state(page, "done")
    assert not is_listening(port)
    page.get_by_role("link", name="Overview").click()
    expect(card(page, "demo")).to_be_visible()
    expect(card(page, "shop")).to_have_count(0)


def test_pages_move_by_themselves_when_others_change_things(page: Page, opens: Opens, egx: Egx, backend: int) -> None:
    expect_live(page)
    mark(page)
    written = gateway_yaml("moves", ports=(quiet_port(),)) + route_yaml("moves", gateway="moves", backend_port=backend)
    egx.do("apply", "-f", "-", stdin=written)
    expect_state(card(page, "moves"), "serving")

    other = opens().page
    card(other, "moves").get_by_role("link", name="moves").click()
    expect_live(other)
    mark(other)
    egx.do("apply", "-f", "-", stdin=route_yaml("more", gateway="moves", path="/more", backend_port=backend))
    expect(other.get_by_role("main")).to_contain_text("/more/*")
    expect(card(page, "moves").get_by_role("definition").first).to_have_text("2")

    egx.do("remove", "moves")
    expect(card(page, "moves")).to_have_count(0)
    expect(other.get_by_role("heading", name="This gateway is gone")).to_be_visible()
    assert was_not_reloaded(page)
    assert was_not_reloaded(other)


def test_what_is_wrong_with_a_manifest_is_said_with_its_line_and_the_text_stays(page: Page) -> None:
    page.get_by_role("link", name="Apply", exact=True).click()
    plan(page, gateway_yaml("bad", ports=(quiet_port(),)).replace("protocol: HTTP", "protocol: SCTP"))
    expect(page.locator("#plan")).to_contain_text("line 6")
    expect(page.locator("#plan")).to_contain_text("SCTP")
    expect(page.get_by_role("button", name="Apply")).to_have_count(0)
    assert "SCTP" in page.get_by_label("Gateway API manifests, as YAML").input_value()


def test_a_plan_that_is_out_of_date_is_shown_again_before_anything_is_done(page: Page, egx: Egx, backend: int) -> None:
    port = quiet_port()
    written = gateway_yaml("late", ports=(port,)) + route_yaml("late", gateway="late", backend_port=backend)
    page.get_by_role("link", name="Apply", exact=True).click()
    plan(page, written)
    egx.do("apply", "-f", "-", stdin=written)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("is not what was planned")
    expect(page.locator("#plan")).to_contain_text("Nothing to do")
    egx.do("remove", "late")


def test_a_running_operation_is_cancelled_in_place(page: Page, egx: Egx, backend: int) -> None:
    written = gateway_yaml("slow", ports=(port := quiet_port(),))
    egx.do("apply", "-f", "-", stdin=written + route_yaml("slow", gateway="slow", backend_port=backend))
    with streaming(port):  # so that its removal waits for the client
        removal = egx.do("remove", "slow", "--no-wait", "--json").json["operations"][0]["id"]
        page.goto(f"/operations/{removal}")
        mark(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("main")).to_contain_text("Cancelled by admin")
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        assert was_not_reloaded(page)
    egx.operation_in(removal, "rolled_back", "done", "failed")


def test_everything_works_without_javascript(opens: Opens, egx: Egx, backend: int) -> None:
    page, port = opens(java_script_enabled=False).page, quiet_port()
    written = gateway_yaml("plain", ports=(port,)) + route_yaml("plain", gateway="plain", backend_port=backend)
    page.get_by_role("link", name="Apply", exact=True).click()
    plan(page, written)
    expect(page.locator("#plan")).to_contain_text("switch_traffic")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="deploy plain")).to_be_visible()
    egx.operation_in(int(page.url.rpartition("/")[2]), "done")
    page.reload()
    expect_state(page, "done")
    page.goto("/gateways/default/plain/remove")
    page.get_by_role("button", name="Remove plain").click()
    egx.operation_in(int(page.url.rpartition("/")[2]), "done")
    assert not is_listening(port)


def test_the_way_is_found_by_keyboard_alone(page: Page, egx: Egx, backend: int) -> None:
    port = quiet_port()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    press(page, page.get_by_role("link", name="Apply", exact=True))
    reach(page, page.get_by_label("Gateway API manifests, as YAML"))
    page.keyboard.insert_text(
        gateway_yaml("keys", ports=(port,)) + route_yaml("keys", gateway="keys", backend_port=backend)
    )
    press(page, page.get_by_role("button", name="Plan"))
    expect(page.locator("#plan")).to_contain_text("switch_traffic")
    press(page, page.get_by_role("button", name="Apply"))
    expect_state(page, "done")
    assert get(port).json["instance"] == "own"
    press(page, page.get_by_role("link", name="keys", exact=True))
    press(page, page.get_by_role("link", name="Remove"))
    press(page, page.get_by_role("button", name="Remove keys"))
    expect_state(page, "done")
    assert not is_listening(port)


def reach(page: Page, wanted: Locator) -> None:
    """Tab to it; where one is, can be seen."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
            return
    raise AssertionError(f"not reached by {MOST_TABS} tabs: {wanted}")


def press(page: Page, wanted: Locator) -> None:
    reach(page, wanted)
    page.keyboard.press("Enter")


def test_a_lost_connection_is_shown_and_healed(opens: Opens, egx: Egx, backend: int) -> None:
    page = opens().page
    live = page.locator("#live")
    expect_live(page)
    mark(page)
    egx.do("down")
    expect(live).to_have_attribute("data-state", "lost")
    egx.do("up", "-d")
    expect(live).to_have_attribute("data-state", "live")
    written = gateway_yaml("healed", ports=(quiet_port(),))
    egx.do("apply", "-f", "-", stdin=written + route_yaml("healed", gateway="healed", backend_port=backend))
    expect_state(card(page, "healed"), "serving")
    assert was_not_reloaded(page)
    egx.do("remove", "healed")
