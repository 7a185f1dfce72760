"""A page that is left open and pushed to is the page that somebody else opens now, whatever service was called."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from egx_project.access.roles import Role
from egx_project.events.read import last_number, since
from gateways.models import Gateway, Target
from monitoring.fragments import render
from tests.builders import fake_target
from tests.monitoring.test_snapshots_and_events import CALLS, finish_all

pytestmark = pytest.mark.django_db(transaction=True)


class OpenPage:
    """What a browser has of a page: fragments by id, some inside others."""

    def __init__(self, view: str) -> None:
        self.view = view
        self.number = last_number()
        self.html = "".join(render(view, role=Role.ADMIN, subjects=None).values())

    def is_pushed_to(self) -> str:
        """As `static/js/live.js` does: each element of a fragment's id is replaced."""
        page = since(self.number)
        subjects = frozenset(event.subject for event in page.events)
        self.number = page.last
        for part, html in render(self.view, role=Role.ADMIN, subjects=subjects).items():
            self.html = replaced(self.html, part, html)
        return self.html

    def fresh(self) -> str:
        return "".join(render(self.view, role=Role.ADMIN, subjects=None).values())


def replaced(page: str, part: str, html: str) -> str:
    """The page with the element of this id replaced; as it is where there is none."""
    start = re.search(rf'<(\w+)\b[^>]*\bid="{re.escape(part)}"', page)
    if start is None:
        return page
    depth = 0
    for tag in re.finditer(rf"<(/?){start[1]}\b", page[start.start() :]):
        depth += -1 if tag[1] else 1
        if depth == 0:
            end = page.index(">", start.start() + tag.start()) + 1
            return page[: start.start()] + html.strip() + page[end:]
    raise AssertionError(f"{part} is not closed")


def same(page: str) -> list[str]:
    """Without what depends on when it is looked at, and on how it is laid out."""
    return re.sub(r"\s+", " ", re.sub(r">\s+<", "><", page)).strip().split("<")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_an_open_page_that_is_pushed_to_is_the_page_as_it_is_now(call: Callable[[Target], None]) -> None:
    target = fake_target()
    pages = [OpenPage("overview"), OpenPage("releases"), OpenPage("services")]
    call(target)
    pages += [OpenPage(f"{page}/{gateway.pk}") for gateway in Gateway.objects.all() for page in ("gateway", "history")]
    for _ in range(2):
        for page in pages:
            assert same(page.is_pushed_to()) == same(page.fresh())
        finish_all()
    for page in pages:
        assert same(page.is_pushed_to()) == same(page.fresh())
