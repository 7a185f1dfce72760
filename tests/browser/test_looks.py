"""How pages look: nothing to complain of, nothing cut off, enough contrast; and the pictures that README shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Opens
from tests.browser.visits import SIZES, expect_live, open_page
from tests.builders import gateway_yaml, route_yaml
from tests.e2e.running import Egx, backend_process, quiet_port

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
LONG = "-".join(["a-gateway-with-a-name-that-goes-on-and-on"] * 3)
MOST_BYTES = 150_000
FAINT_TEXT = (Path(__file__).parent / "contrast.js").read_text()
Scheme = Literal["light", "dark"]
DOCS = "/api/v1/docs"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@pytest.fixture(scope="module")
def addresses(egx: Egx, backend: int) -> list[str]:
    """Every page, with a gateway on it whose name and hostname are as long as they may reasonably be."""
    written = gateway_yaml(LONG, ports=(quiet_port(),)) + route_yaml(LONG, gateway=LONG, backend_port=backend)
    hostname = f"hostnames: [{'w' * 60}.{'x' * 60}.example.com]"
    written = written.replace("  rules:", f"  {hostname}\n  rules:")
    operation = egx.run("apply", "-f", "-", "--json", stdin=written).json["operations"][0]["id"]
    return [
        "/",
        f"/gateways/default/{LONG}",
        f"/gateways/default/{LONG}/remove",
        f"/gateways/default/{LONG}/update",
        f"/gateways/default/{LONG}/rollback",
        f"/gateways/default/{LONG}/history",
        "/releases",
        "/channels/envoy/check",
        "/containers",
        "/containers/shop/web/expose",
        "/operations",
        f"/operations/{operation}",
        "/apply",
        f"/apply?gateway=default/{LONG}",
        DOCS,
        "/admin/",
        "/login",
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_page_makes_the_browser_complain_or_is_too_faint(scheme: Scheme, opens: Opens, addresses: list[str]) -> None:
    visit = opens(color_scheme=scheme)
    for address in addresses:
        visit.page.goto(address)
        if visit.page.locator("#live").count():
            expect_live(visit.page)
        if address == DOCS:
            visit.page.wait_for_selector(".opblock")
            continue  # its colours are Swagger UI's own
        assert visit.page.evaluate(FAINT_TEXT) == [], address
    assert visit.complaints == []


@pytest.mark.parametrize("width", [SIZES["tablet"], SIZES["phone"]])
def test_no_page_scrolls_sideways_on_a_small_screen(width: int, page: Page, addresses: list[str]) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


# --- pictures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Studio:
    """An EGX whose names and ports are the same each time, so that pictures change only with what they show."""

    egx: Egx
    operation: int


@pytest.fixture(scope="module")
def studio(browser: Browser) -> Iterator[Studio]:
    kept = "EGX_SCREENSHOTS" in os.environ
    with Egx() as egx, backend_process("shop") as backend:
        if kept:
            egx.demo_port = 8080
        egx.do("up", "-d")
        port = 8081 if kept else quiet_port()
        written = gateway_yaml("shop", ports=(port,)) + route_yaml("shop", gateway="shop", backend_port=backend)
        operation = egx.run("apply", "-f", "-", "--json", stdin=written).json["operations"][0]["id"]
        more = route_yaml("checkout", gateway="shop", path="/checkout", with_backend=False)
        egx.do("apply", "-f", "-", stdin=more)
        yield Studio(egx, operation)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_of_the_dashboard(scheme: Scheme, browser: Browser, studio: Studio, tmp_path: Path) -> None:
    folder = ROOT / "docs/images" if "EGX_SCREENSHOTS" in os.environ else tmp_path
    folder.mkdir(exist_ok=True)
    places = {
        "overview": "/",
        "gateway": "/gateways/default/shop",
        "operation": f"/operations/{studio.operation}",
    }
    size = {"width": 1100, "height": 720}
    with open_page(browser, studio.egx, color_scheme=scheme, viewport=size, reduced_motion="reduce") as visit:
        for name, address in places.items():
            visit.page.goto(address)
            expect_live(visit.page)
            expect(visit.page.locator(".state").first).to_have_text("done" if name == "operation" else "serving")
            picture = folder / f"{name}-{scheme}.png"
            visit.page.screenshot(path=picture)
            assert 0 < picture.stat().st_size < MOST_BYTES
