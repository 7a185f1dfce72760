"""What Docker lists becomes candidates; names and labels may be anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.drivers.docker.discovery import MOST_PROBLEMS, MOST_ROUTES, candidates
from deployments.drivers.joining import Candidate, LabelledRoute
from gateways.spec.base import DNS_NAME, NAME_LENGTH
from gateways.spec.containers import alias_of, is_identity


def listed(name: str = "shop-web", *, ports: tuple[int, ...] = (), **facts: Any) -> dict[str, Any]:
    """As `GET /containers/json` has one."""
    found = {
        "Id": name.ljust(64, "0"),
        "Names": [f"/{name}"],
        "Image": "nginx:1.27",
        "State": "running",
        "Status": "Up 3 minutes",
        "Labels": {},
        "Ports": [{"PrivatePort": port, "Type": "tcp"} for port in ports],
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Networks": {"bridge": {}}},
    }
    return found | facts


def one(**facts: Any) -> Candidate:
    (found,) = candidates([listed(**facts)])
    return found


def labelled(**labels: str) -> Candidate:
    return one(Labels={f"egx.route.{name.replace('__', '.').replace('_', '-')}": v for name, v in labels.items()})


def composed(service: str, number: int, *, project: str = "shop", **facts: Any) -> dict[str, Any]:
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": service}
    labels |= facts.pop("labels", {})
    return listed(f"{project}-{service}-{number}", Labels=labels, **facts)


def test_a_container_is_known_by_its_name() -> None:
    assert (one().identity, one().project, one().image) == ("shop-web", "", "nginx:1.27")


def test_the_containers_of_a_compose_service_are_one() -> None:
    found = candidates([composed("web", 2, State="exited"), composed("web", 1), composed("db", 1)])
    assert [(each.identity, each.names, each.state) for each in found] == [
        ("shop/db", ("shop-db-1",), "running"),
        ("shop/web", ("shop-web-1", "shop-web-2"), "running"),
    ]
    assert found[1].is_called("shop-web-2")
    assert found[1].is_called("shop/web")


def test_what_compose_runs_once_is_not_its_service() -> None:
    (found,) = candidates([composed("web", 1, labels={"com.docker.compose.oneoff": "True"})])
    assert found.identity == "shop-web-1"


def test_what_any_egx_made_is_no_candidate() -> None:
    assert candidates([listed(Labels={"egx.dev/installation": "abc"})]) == []


def test_the_port_that_is_probably_http_comes_first() -> None:
    assert [port.number for port in one(ports=(5432, 9999, 8080, 22, 80)).ports] == [80, 8080, 9999, 22, 5432]


def test_ports_say_where_the_host_has_them() -> None:
    ports = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 53, "Type": "udp"},
    ]
    (port,) = one(Ports=ports).ports
    assert (port.number, port.published) == (80, ("0.0.0.0:8080", "[::]:8080"))


@pytest.mark.parametrize(
    ("status", "health"),
    [("Up 1 second (healthy)", "healthy"), ("Up 1 second (health: starting)", "starting"), ("Up 1 second", "")],
)
def test_health_is_what_docker_says(status: str, health: str) -> None:
    assert one(Status=status).health == health


@pytest.mark.parametrize(("mode", "why"), [("host", "host's network"), ("none", "without"), ("container:a", "shares")])
def test_what_cannot_join_a_network_says_why(mode: str, why: str) -> None:
    assert why in one(HostConfig={"NetworkMode": mode}).obstacle


def test_labels_ask_for_a_route() -> None:
    found = labelled(path="/shop", host="shop.localhost", port="8080", gateway="web", keep_path="true")
    route = LabelledRoute(name="", path="/shop", host="shop.localhost", port=8080, gateway="web", keep_path=True)
    assert (found.routes, found.problems) == ((route,), ())


def test_labels_with_names_ask_for_several() -> None:
    found = labelled(api__path="/api", api__port="9000", site__host="*.shop.localhost")
    assert [(route.name, route.path, route.host) for route in found.routes] == [
        ("api", "/api", ""),
        ("site", "/", "*.shop.localhost"),
    ]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"path": "shop"}, "label egx.route.path is 'shop', which is no path"),
        ({"path": "/a/../b"}, "label egx.route.path"),
        ({"path": "/", "port": "80a"}, "label egx.route.port is '80a', which is no port"),
        ({"path": "/", "port": "65536"}, "label egx.route.port"),
        ({"path": "/", "host": "a b"}, "label egx.route.host"),
        ({"path": "/", "gateway": "../x"}, "label egx.route.gateway"),
        ({"path": "/", "keep_path": "si"}, "label egx.route.keep-path"),
        ({"port": "80"}, "label egx.route.path is missing"),
        ({"paht": "/"}, "label egx.route.paht is no label that EGX knows"),
        ({"A B__path": "/"}, "is no label that EGX knows"),
    ],
)
def test_a_label_that_means_nothing_is_a_sentence_with_both_names(labels: dict[str, str], said: str) -> None:
    found = labelled(**labels)
    assert found.routes == ()
    assert found.problems[0].startswith("container shop-web: ")
    assert said in found.problems[0]


def test_a_bad_route_takes_no_other_with_it() -> None:
    found = labelled(path="/shop", bad__path="nowhere")
    assert [route.path for route in found.routes] == ["/shop"]
    assert len(found.problems) == 1


def test_there_is_an_end_to_labels() -> None:
    found = labelled(**{f"r{number}__path": "/" for number in range(500)}, **{f"x{n}": "" for n in range(500)})
    assert len(found.routes) <= MOST_ROUTES
    assert len(found.problems) <= MOST_PROBLEMS


anything = st.text(max_size=200)


@given(
    name=anything,
    labels=st.dictionaries(st.one_of(anything, anything.map(lambda text: f"egx.route.{text}")), anything, max_size=8),
    status=anything,
    image=anything,
)
def test_whatever_is_written_there_the_listing_is_whole(
    name: str, labels: dict[str, str], status: str, image: str
) -> None:
    found = candidates([listed(name, Labels=labels, Status=status, Image=image), listed("good")])
    assert any(each.identity == "good" for each in found)
    for each in found:
        assert is_identity(each.identity)
        assert all(said.isprintable() and len(said) < 400 for said in each.problems)


@given(
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", fullmatch=True), project=st.sampled_from(["", "Shop_1/"])
)
def test_an_alias_is_a_name_that_gateway_api_takes(name: str, project: str) -> None:
    alias = alias_of(project + name)
    assert DNS_NAME.fullmatch(alias)
    assert len(alias) <= NAME_LENGTH
    assert all(len(label) <= 63 for label in alias.split("."))


def test_names_that_differ_have_aliases_that_differ() -> None:
    names = ["a_b", "a-b", "a.b", "A-b", "a__b", "a/b", "b/a", "a-b.c"]
    assert len({alias_of(name) for name in names}) == len(names)


def test_an_alias_is_no_host_of_the_internet() -> None:
    assert alias_of("app/web") == "web.app.compose.egx.internal"
    assert alias_of("web") == "web.container.egx.internal"
