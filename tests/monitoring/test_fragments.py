"""The parts of pages that the live transport sends again: the same HTML, under the id by which the page has it."""

from __future__ import annotations

import re

import pytest

from deployments import services
from deployments.models import Operation
from egx_project.access.roles import Role
from egx_project.events.models import EventCounter
from egx_project.events.read import last_number
from egx_project.lib.errors import NotFoundError
from gateways.models import Gateway
from monitoring import fragments
from monitoring.selectors import NEWS
from tests import builders
from tests.monitoring.visitors import visitor

pytestmark = pytest.mark.django_db

OWN = builders.gateway_yaml("own", ports=(9001,)) + builders.route_yaml("own", gateway="own", path="/own")


@pytest.fixture
def gateway() -> Gateway:
    return builders.serve_gateway(target=builders.fake_target())


def views(gateway: Gateway) -> dict[str, str]:
    """Each live page's path and view."""
    operation = Operation.objects.get()
    return {
        "/": "overview",
        f"/gateways/default/{gateway.name}": f"gateway/{gateway.pk}",
        f"/gateways/default/{gateway.name}/history": f"history/{gateway.pk}",
        "/releases": "releases",
        "/services": "services",
        f"/operations/{operation.pk}": f"operation/{operation.pk}",
    }


def age_events() -> None:
    """So much has happened since that no gateway is new."""
    EventCounter.objects.update(last=last_number() + NEWS)


def render(view: str, *subjects: str) -> dict[str, str]:
    """The fragments that events of these subjects change."""
    return dict(fragments.render(view, role=Role.ADMIN, subjects=frozenset(subjects)))


@pytest.mark.parametrize("role", Role)
def test_a_page_has_exactly_the_fragments_that_are_sent_for_it(gateway: Gateway, role: Role) -> None:
    browser = visitor(role)
    for path, view in views(gateway).items():
        page = browser.get(path).content.decode()
        parts = fragments.render(view, role=role, subjects=None)
        assert f'data-view="{view}"' in page
        assert parts
        assert all(html in page for html in parts.values())


def test_every_fragments_root_has_its_key_as_id_and_there_is_no_other_of_it(gateway: Gateway) -> None:
    browser = visitor(Role.ADMIN)
    for path, view in views(gateway).items():
        ids = re.findall(r'\bid="([^"]+)"', browser.get(path).content.decode())
        assert len(ids) == len(set(ids))
        parts = fragments.render(view, role=Role.ADMIN, subjects=None) | render(view, "gateway/web")
        for part, html in parts.items():
            assert re.match(rf'\s*<\w+ id="{part}"', html)


def test_of_the_overview_only_the_gateways_concerned_are_sent_again(gateway: Gateway) -> None:
    other = builders.apply(OWN, target=gateway.target).operations[0].gateway
    assert other is not None
    age_events()
    assert set(render("overview", "gateway/web")) == {f"gateway-{gateway.pk}", "operations"}
    assert set(render("overview", "gateway/own")) == {f"gateway-{other.pk}", "operations"}
    assert render("overview", "token/ci", "user/ann", "backend/Backend/web") == {}


def test_the_list_of_gateways_is_sent_whole_when_one_came_or_went(gateway: Gateway) -> None:
    operation = builders.apply(OWN, target=gateway.target).operations[0]
    came = render("overview", "gateway/own")
    assert set(came) == {"gateways", "operations"}
    assert ">own</a>" in came["gateways"]
    builders.carry_out(operation)
    age_events()
    own = Gateway.objects.get(name="own")
    builders.carry_out(services.request_remove(gateway=own, by="tester"))
    went = render("overview", "gateway/own")
    assert set(went) == {"gateways", "operations"}
    assert ">own</a>" not in went["gateways"]


def test_the_pages_of_others_are_left_alone(gateway: Gateway) -> None:
    operation = Operation.objects.get()
    for view in (f"gateway/{gateway.pk}", f"operation/{operation.pk}"):
        assert render(view, "gateway/other", "gateway/other/web") == {}
        assert len(render(view, "gateway/web")) == 1


def test_a_gateway_of_another_namespace_is_told_apart_by_its_subject(gateway: Gateway) -> None:
    text = builders.gateway_yaml(ports=(9002,)).replace("name: web}", "name: web, namespace: team}", 1)
    other = builders.apply(text, target=gateway.target).operations[0].gateway
    assert other is not None
    age_events()
    assert f"gateway-{other.pk}" in render("overview", "gateway/team/web")
    assert f"gateway-{gateway.pk}" not in render("overview", "gateway/team/web")
    assert render(f"gateway/{gateway.pk}", "gateway/team/web") == {}


def test_of_what_is_gone_a_fragment_says_so(gateway: Gateway) -> None:
    builders.carry_out(services.request_remove(gateway=gateway, by="tester"))
    part = f"gateway-{gateway.pk}-detail"
    parts = render(f"gateway/{gateway.pk}", "gateway/web")
    assert "gone" in parts[part]
    assert 'href="/"' in parts[part]
    assert "no such operation" in render("operation/999", "gateway/web")["operation-999"]


@pytest.mark.parametrize(
    "view", ["", "nothing", "gateway/", "gateway/x", "gateway/-1", "gateway/1/2", "a" * 5000, f"gateway/{'9' * 5000}"]
)
def test_what_is_no_page_cannot_be_watched(view: str) -> None:
    with pytest.raises(NotFoundError):
        fragments.render(view, role=Role.ADMIN, subjects=None)


@pytest.mark.parametrize("kind", ["overview", "releases", "services", "gateway", "history", "operation"])
def test_the_largest_number_is_harmless(kind: str) -> None:
    assert fragments.render(f"{kind}/{'9' * 18}", role=Role.ADMIN, subjects=None)


def test_buttons_in_fragments_are_those_that_the_role_may_press(gateway: Gateway) -> None:
    waiting = services.request_configure(gateway=gateway, by="tester")
    for role, may_change in ((Role.VIEWER, False), (Role.OPERATOR, True), (Role.ADMIN, True)):
        assert ("/remove" in shown(f"gateway/{gateway.pk}", role)) == may_change
        assert ("/cancel" in shown(f"operation/{waiting.pk}", role)) == may_change


def shown(view: str, role: Role) -> str:
    return "".join(fragments.render(view, role=role, subjects=None).values())
