from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.visits import Visit, open_page
from tests.e2e.running import Egx, backend_process
from tests.requirements import require

DEADLINE_MS = 30_000
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    require("browser", present=bool(CHROMIUM), why="there is no chromium on the path")
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        # Chromium does not sandbox what root runs.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def egx(browser: Browser) -> Iterator[Egx]:
    """An EGX with the demo gateway."""
    with Egx() as made:
        made.do("up", "-d")
        yield made


@pytest.fixture(scope="session")
def backend() -> Iterator[int]:
    """The port of a test backend that says it is `own`."""
    with backend_process("own") as port:
        yield port


@pytest.fixture
def visit(browser: Browser, egx: Egx) -> Iterator[Visit]:
    """A page of a browser that is logged in; at the end of the test nothing may have been complained of in it."""
    with open_page(browser, egx) as visit:
        yield visit
        assert visit.complaints == []


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


Opens = Callable[..., Visit]


@pytest.fixture
def opens(browser: Browser, egx: Egx) -> Iterator[Opens]:
    """Opens further pages, with options of Playwright's for their contexts."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(open_page(browser, egx, **options))
