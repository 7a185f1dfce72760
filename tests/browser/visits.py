"""A visit of the dashboard, and everything that the browser complained of during it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, expect

from tests.e2e.running import Egx

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
SIZES = {"wide": 1280, "tablet": 640, "phone": 360}


@dataclass
class Visit:
    page: Page
    complaints: list[str] = field(default_factory=list)

    def note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} at {message.location.get('url')}")

    def note_error(self, error: Error) -> None:
        self.complaints.append(str(error))


@contextlib.contextmanager
def open_page(browser: Browser, egx: Egx, **options: Any) -> Iterator[Visit]:
    """A page on the overview, logged in by a link of its own."""
    options.setdefault("viewport", {"width": SIZES["wide"], "height": 800})
    context = browser.new_context(base_url=f"http://localhost:{egx.port}", **options)
    if options.get("java_script_enabled", True):
        context.add_init_script(REPORT_VIOLATIONS)
    visit = Visit(context.new_page())
    visit.page.on("console", visit.note_message)
    visit.page.on("pageerror", visit.note_error)
    try:
        visit.page.goto(egx.do("token", "login").out.strip())
        yield visit
    finally:
        context.close()


def card(page: Page, gateway: str) -> Locator:
    """The gateway's card on the overview."""
    return page.get_by_role("article", name=gateway, exact=True)


def expect_state(place: Page | Locator, state: str) -> None:
    expect(place.locator(".state").first).to_have_text(state)


def expect_live(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live")


def mark(page: Page) -> None:
    """Put something on the page that a reload would lose."""
    page.evaluate("window.stayed = true")


def was_not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def plan(page: Page, text: str) -> None:
    """Write the text on the apply page and ask for its plan."""
    page.get_by_label("Gateway API manifests, as YAML").fill(text)
    page.get_by_role("button", name="Plan").click()
