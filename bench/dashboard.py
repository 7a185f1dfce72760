"""How soon what was committed is seen in browsers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench import manifests
from bench.report import Figure, median, percentile
from bench.rig import Egx, MissingError, egx, free_port, nginx, tool

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

BROWSERS = 20
SMALL: ViewportSize = {"width": 640, "height": 480}
"""They all paint on this machine, beside EGX."""
CHANGES = 40
BETWEEN_SECONDS = 1.5
"""Between two changes, so that each is seen alone."""

LISTEN = """
window.seen = [];
document.body.addEventListener("egx:event", ({detail}) => {
  if (detail.subject === "gateway/bench") window.seen.push(Date.now() - Date.parse(detail.at));
});
"""


def measure() -> Iterator[Figure]:
    chromium = tool("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingError("playwright is not installed") from None
    with nginx() as backend, egx() as running, sync_playwright() as playwright, ExitStack() as stack:
        running.apply(manifests.gateway(free_port(), backend) + manifests.route())
        running.settle()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        stack.callback(browser.close)
        pages = []
        for _ in range(BROWSERS):
            page = browser.new_context(viewport=SMALL).new_page()
            page.goto(_login(running))
            page.wait_for_selector("#live[data-state=live]")
            page.evaluate(LISTEN)
            pages.append(page)
        for number in range(CHANGES):
            running.apply(manifests.route(live=number))
            time.sleep(BETWEEN_SECONDS)  # and not by asking whether it has ended, which would be load of its own
        seen = [wait for page in pages for wait in page.evaluate("window.seen")]
    how = f"{BROWSERS} browsers, {CHANGES} route changes, {len(seen):,} events seen"
    yield Figure("event committed to page changed, median", median(seen), "ms", at_most=100, how=how)
    yield Figure("event committed to page changed, p99", percentile(seen, 99), "ms", at_most=250)


def _login(running: Egx) -> str:
    with running.client() as client:
        return str(client.post("/login-links")["url"])
