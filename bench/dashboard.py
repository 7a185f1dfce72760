"""How soon what was committed is seen in browsers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from bench import manifests
from bench.report import Figure, median, percentile
from bench.rig import Egx, MissingError, egx, free_port, nginx, tool

BROWSERS = 20
CHANGES = 40
BETWEEN_SECONDS = 1.0
"""Between two changes, so that each is seen alone."""

LISTEN = """
window.seen = [];
document.body.addEventListener("egx:event", ({detail}) => {
  if (detail.subject === "gateway/bench") window.seen.push(performance.timeOrigin + performance.now() - Date.parse(detail.at));
});
"""  # noqa: E501  live.js tells of events after it has changed the page


def measure() -> Iterator[Figure]:
    chromium = tool("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingError("playwright is not installed") from None
    with nginx() as backend, egx() as running, sync_playwright() as playwright, ExitStack() as stack:
        running.apply(manifests.gateway(free_port(), backend) + manifests.route())
        running.settle()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        stack.callback(browser.close)
        pages = []
        for _ in range(BROWSERS):
            page = browser.new_context().new_page()
            page.goto(_login(running))
            page.wait_for_selector("#live[data-state=live]")
            page.evaluate(LISTEN)
            pages.append(page)
        for number in range(CHANGES):
            running.apply(manifests.route(live=number))
            running.settle()
            time.sleep(BETWEEN_SECONDS)
        seen = [wait for page in pages for wait in page.evaluate("window.seen")]
    how = f"{BROWSERS} browsers, {CHANGES} route changes, {len(seen):,} events seen"
    yield Figure("event committed to page changed, median", median(seen), "ms", at_most=100, how=how)
    yield Figure("event committed to page changed, p99", percentile(seen, 99), "ms", at_most=250)


def _login(running: Egx) -> str:
    with running.client() as client:
        return str(client.post("/login-links")["url"])
