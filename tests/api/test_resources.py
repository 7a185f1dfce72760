"""Every noun of the API: read, written, conditioned, repeated, listed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from deployments import services
from deployments.models import Operation, OperationState
from deployments.selectors import GatewayState
from egx_project.rest.answers import prune
from egx_project.rest.models import Answer
from gateways.models import Gateway, Route, Target
from tests.api.client import Api, backend, gateway, route
from tests.builders import apply, carry_out, fake_target, gateway_yaml, offer, route_yaml, serve_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def target() -> Target:
    return fake_target()


@pytest.fixture
def api(target: Target) -> Api:
    return Api()


def done(number: int) -> None:
    operation = carry_out(Operation.objects.get(pk=number))
    assert operation.state == "done", operation.error


# --- writing --------------------------------------------------------------------------------------------------------


def test_work_is_answered_202_with_the_operations_address(api: Api) -> None:
    answer = api.send("PUT", "/gateways/web", gateway())
    assert answer.status_code == 202
    operation = answer.json()["operations"][0]
    assert answer["location"] == operation["url"] == f"/api/v1/operations/{operation['id']}"
    assert api.client.get(answer["location"]).json()["state"] == "queued"
    done(operation["id"])
    assert api.get("/gateways/web").json()["state"] == "serving"


def test_what_is_written_is_what_is_read(api: Api) -> None:
    written = {
        "backends/Backend/web": backend(),
        "gateways/web": gateway(labels={"team": "shop"}),
        "routes/HTTPRoute/web": route(path="/a"),
    }
    for path, body in written.items():
        assert api.send("PUT", f"/{path}", body).status_code in {200, 202}, path
    for path, body in written.items():
        shown = api.get(f"/{path}").json()["manifest"]
        assert shown == {**body, "metadata": {"namespace": "default", **body["metadata"]}}


def test_the_same_again_changes_nothing_and_needs_no_work(api: Api) -> None:
    done(api.send("PUT", "/gateways/web", gateway()).json()["operations"][0]["id"])
    again = api.send("PUT", "/gateways/web", gateway())
    assert (again.status_code, again.json()["operations"]) == (200, [])
    assert [change["action"] for change in again.json()["changes"]] == ["unchanged"]


def test_post_makes_what_is_not_there_and_refuses_what_is(api: Api) -> None:
    assert api.send("POST", "/gateways", gateway()).status_code == 202
    assert api.send("POST", "/backends", backend()).status_code == 201
    assert api.send("POST", "/routes", route()).status_code == 202
    for path, body in (("/gateways", gateway(port=8099)), ("/backends", backend()), ("/routes", route())):
        assert api.send("POST", path, body).status_code == 409, path
    assert api.get("/gateways/web").json()["listeners"][0]["port"] == 8080


def test_an_object_goes_where_its_address_says_and_must_be_what_it_says(api: Api) -> None:
    assert api.send("PUT", "/gateways/web?namespace=shop", gateway()).status_code == 202
    assert Gateway.objects.get().namespace == "shop"
    wrong: tuple[tuple[str, Any], ...] = (
        ("/gateways/other", gateway()),
        ("/gateways/web?namespace=here", gateway(namespace="there")),
        ("/gateways/web", route()),
        ("/routes/HTTPRoute/web", gateway()),
        ("/gateways/web", [gateway()]),
        ("/gateways/web", "web"),
        ("/gateways/web", {}),
        ("/gateways/web", {**gateway(), "apiVersion": "v9"}),
        ("/gateways/web", {**gateway(), "spec": {"gatewayClassName": "egx", "listeners": [], "extra": 1}}),
    )
    for path, body in wrong:
        answer = api.send("PUT", path, body)
        assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json"), path
        assert answer.json()["detail"]
    assert Gateway.objects.count() == 1


def test_a_problem_names_the_field(api: Api) -> None:
    body = gateway()
    body["spec"]["listeners"][0]["port"] = 70_000
    problems = api.send("PUT", "/gateways/web", body).json()["problems"]
    assert [problem["field"] for problem in problems] == ["spec.listeners[0].port"]


def test_things_are_deleted_and_what_is_in_use_is_not(api: Api) -> None:
    serve_gateway(target=Target.objects.get())
    assert api.send("DELETE", "/backends/Backend/web").status_code == 409
    assert api.send("DELETE", "/routes/HTTPRoute/web").status_code == 202
    assert api.send("DELETE", "/backends/Backend/web").status_code == 200
    assert api.send("DELETE", "/gateways/web").json()["operations"][0]["kind"] == "remove"
    for path in ("/routes/HTTPRoute/web", "/backends/Backend/web", "/gateways/nobody", "/routes/Secret/web"):
        assert api.send("DELETE", path).status_code == 404, path


# --- conditions -----------------------------------------------------------------------------------------------------


def test_who_has_the_newest_is_told_so_and_nothing_else(api: Api) -> None:
    apply(gateway_yaml() + route_yaml(), target=Target.objects.get())
    for path in ("/gateways/web", "/routes/HTTPRoute/web", "/backends/Backend/web"):
        tag = api.get(path)["etag"]
        same = api.get(path, If_None_Match=tag)
        assert (same.status_code, same.content, same["etag"]) == (304, b"", tag)
        assert api.get(path, If_None_Match='"another"').status_code == 200


def test_the_tag_follows_what_is_desired_and_not_what_happens_to_be(api: Api) -> None:
    operation = api.send("PUT", "/gateways/web", gateway()).json()["operations"][0]["id"]
    before = api.get("/gateways/web")["etag"]
    done(operation)
    assert api.get("/gateways/web")["etag"] == before
    api.send("PUT", "/gateways/web", gateway(port=8081))
    assert api.get("/gateways/web")["etag"] != before


@pytest.mark.parametrize("path", ["/gateways/web", "/routes/HTTPRoute/web", "/backends/Backend/web"])
def test_an_edit_of_what_has_changed_meanwhile_is_refused(api: Api, path: str) -> None:
    apply(gateway_yaml() + route_yaml(), target=Target.objects.get())
    seen = api.get(path)["etag"]
    change = {"/gateways/web": gateway(port=8081), "/routes/HTTPRoute/web": route(path="/b")}
    body = change.get(path, backend(port=9001))
    assert api.send("PUT", path, body, If_Match=seen).status_code in {200, 202}
    late = api.send("PUT", path, body, If_Match=seen)
    assert (late.status_code, late.json()["title"]) == (412, "Changed meanwhile")
    assert api.send("DELETE", path, If_Match=seen).status_code == 412
    assert api.send("PUT", path, body, If_None_Match="*").status_code == 412
    assert api.send("PUT", path, body, If_Match=f'"x", {api.get(path)["etag"]}').status_code == 200


def test_an_edit_of_what_is_gone_is_refused_and_only_new_makes_new(api: Api) -> None:
    assert api.send("PUT", "/gateways/web", gateway(), If_Match='"x"').status_code == 412
    assert api.send("PUT", "/gateways/web", gateway(), If_Match="*").status_code == 412
    assert api.send("PUT", "/gateways/web", gateway(), If_None_Match="*").status_code == 202
    assert api.send("PUT", "/gateways/web", gateway(), If_Match="web").status_code == 400


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_request_that_is_sent_again_with_its_key_is_answered_again_and_done_once(api: Api) -> None:
    first, again = (api.send("PUT", "/gateways/web", gateway(), Idempotency_Key="k1") for _ in range(2))
    assert (again.status_code, again.content, again["location"]) == (202, first.content, first["location"])
    assert Operation.objects.count() == 1
    other = api.send("PUT", "/gateways/web", gateway(port=8081), Idempotency_Key="k1")
    assert other.status_code == 409
    assert api.send("PUT", "/gateways/web", gateway(), Idempotency_Key="k 2").status_code == 400


def test_a_refused_request_may_be_sent_again_with_its_key(api: Api) -> None:
    assert api.send("DELETE", "/gateways/web", Idempotency_Key="k1").status_code == 404
    assert api.send("PUT", "/gateways/web", gateway(), Idempotency_Key="k1").status_code == 202


def test_keys_of_different_people_are_different_keys(api: Api) -> None:
    api.send("PUT", "/gateways/web", gateway(), Idempotency_Key="k1")
    Answer.objects.update(who="somebody else")
    assert api.send("PUT", "/gateways/web", gateway(port=8081), Idempotency_Key="k1").status_code == 202


def test_answers_are_kept_for_a_day(api: Api) -> None:
    api.send("PUT", "/gateways/web", gateway(), Idempotency_Key="k1")
    assert prune() == 0
    Answer.objects.update(at=timezone.now() - timedelta(days=2))
    assert prune() == 1


# --- lists ----------------------------------------------------------------------------------------------------------


def test_lists_come_in_pages_that_lead_to_each_other(api: Api) -> None:
    apply("---\n".join(gateway_yaml(f"g{n}", ports=(9000 + n,)) for n in range(5)), target=Target.objects.get())
    seen: list[str] = []
    path: str | None = "/api/v1/gateways?limit=2"
    while path:
        page = api.client.get(path).json()
        assert page["total"] == 5
        seen += [item["name"] for item in page["items"]]
        path = page["next"]
    assert seen == [f"g{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("gateways?name=web", ["web"]),
        ("gateways?state=pending", ["other"]),
        ("gateways?state=serving", ["web"]),
        ("gateways?target=local&namespace=default", ["other", "web"]),
        ("gateways?target=nowhere", []),
        ("listeners?gateway=web", ["http-8080"]),
        ("listeners?port=8081", ["http-8081"]),
        ("routes?gateway=web", ["web"]),
        ("routes?kind=HTTPRoute&name=web", ["web"]),
        ("routes?gateway=other", []),
        ("backends?kind=Backend", ["web"]),
        ("policies", []),
        ("targets?kind=fake", ["local"]),
    ],
)
def test_lists_are_filtered(api: Api, target: Target, query: str, names: list[str]) -> None:
    serve_gateway(target=target)
    apply(gateway_yaml("other", ports=(8081,)), target=target)
    services.cancel(operation_id=Operation.objects.latest("pk").pk, by="tester")
    carry_out(Operation.objects.latest("pk"))
    assert [item["name"] for item in api.items(f"/{query}")] == names


def test_operations_are_listed_newest_first_and_filtered(api: Api, target: Target) -> None:
    serve_gateway(target=target)
    apply(route_yaml(path="/b"), target=target)
    assert [item["kind"] for item in api.items("/operations")] == ["configure", "deploy"]
    assert [item["kind"] for item in api.items("/operations?state=queued&gateway=web")] == ["configure"]
    assert api.items("/operations?gateway=nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        "gateways?colour=red",
        "gateways?state=sleeping",
        "gateways?limit=x",
        "gateways?offset=-1",
        "gateways?limit=99999999999999999999",
        "listeners?port=http",
        "operations?kind=dance",
        "export?kind=secrets",
        "events?since=x",
        "events?since=99999999999999999999",
        "events?colour=red",
        "gateways/web?colour=red",
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_would(api: Api, target: Target, query: str) -> None:
    apply(gateway_yaml(), target=target)
    answer = api.get(f"/{query}")
    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]


# --- states ---------------------------------------------------------------------------------------------------------


def state(api: Api) -> str:
    return str(api.get("/gateways/web").json()["state"])


def test_a_gateways_state_follows_from_its_slots_and_operations(api: Api, target: Target) -> None:
    first = apply(gateway_yaml() + route_yaml(), target=target).operations[0]
    assert state(api) == GatewayState.DEPLOYING
    Operation.objects.filter(pk=first.pk).update(state=OperationState.FAILED)
    assert state(api) == GatewayState.PENDING
    services.resume(operation_id=first.pk, by="tester")
    done(first.pk)
    assert state(api) == GatewayState.SERVING
    change = apply(route_yaml(path="/b"), target=target).operations[0]
    assert state(api) == GatewayState.SERVING
    Operation.objects.filter(pk=change.pk).update(state=OperationState.ROLLED_BACK)
    assert state(api) == GatewayState.DEGRADED
    removal = services.request_remove(gateway=Gateway.objects.get(), by="tester")
    assert state(api) == GatewayState.REMOVING
    done(removal.pk)
    assert api.get("/gateways/web").status_code == 404


# --- the rest -------------------------------------------------------------------------------------------------------


def test_targets_are_added_and_those_that_were_never_used_are_removed(api: Api) -> None:
    made = api.send("POST", "/targets", {"name": "edge", "kind": "fake", "node": "far"})
    assert (made.status_code, made.json()) == (201, {"name": "edge", "kind": "fake", "node": "far"})
    assert api.send("POST", "/targets", {"name": "edge", "kind": "fake"}).status_code == 409
    assert api.send("POST", "/targets", {"name": "moon", "kind": "kubernetes"}).status_code == 400
    assert api.send("PUT", "/gateways/web?target=edge", gateway()).status_code == 202
    assert api.send("DELETE", "/targets/edge").status_code == 409
    api.send("POST", "/targets", {"name": "idle", "kind": "fake"})
    assert api.send("DELETE", "/targets/idle").status_code == 204
    assert [item["name"] for item in api.items("/targets")] == ["edge", "local"]


def test_an_operation_is_cancelled_and_shows_its_steps(api: Api, target: Target) -> None:
    operation = apply(gateway_yaml(), target=target).operations[0]
    assert api.send("POST", f"/operations/{operation.pk}/cancel").json()["cancelled_by"] == "admin"
    carry_out(operation)
    assert api.get(f"/operations/{operation.pk}").json()["state"] == "rolled_back"
    assert api.send("POST", f"/operations/{operation.pk}/cancel").status_code == 409
    assert api.send("POST", f"/operations/{operation.pk}/resume").status_code == 409
    for number in ("999", "9" * 30):
        assert api.get(f"/operations/{number}").status_code == 404


def test_a_plan_says_what_would_be_done(api: Api, target: Target) -> None:
    serve_gateway(target=target)
    assert api.get("/gateways/web/plan?to=1.41.0").status_code == 404
    offer("1.41.0")
    planned = api.get("/gateways/web/plan?to=1.41.0").json()
    names = [step["name"] for step in planned["steps"]]
    assert names[:3] == ["preflight", "backup", "pull"]
    assert names.index("switch_traffic") < names.index("drain_old")
    assert not Operation.objects.filter(state="queued").exists()


def test_the_summary_is_open_to_this_host_unless_a_token_is_set(api: Api, target: Target, settings: Any) -> None:
    serve_gateway(target=target)
    stranger = Client()
    found = stranger.get("/api/v1/gateway").json()
    assert (found["status"], found["total"], found["serving"]) == ("serving", 1, 1)
    assert stranger.get("/api/v1/gateway", REMOTE_ADDR="192.0.2.1").status_code in {401, 403}
    assert api.client.get("/api/v1/gateway", REMOTE_ADDR="192.0.2.1").status_code == 200
    settings.EGX_SUMMARY_TOKEN = "a-token"
    assert stranger.get("/api/v1/gateway").status_code in {401, 403}
    assert stranger.get("/api/v1/gateway", headers={"Authorization": "Bearer a-token"}).status_code == 200


def test_the_description_is_the_one_that_is_committed(tmp_path: Path) -> None:
    file = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    committed = Path(__file__).parents[2] / "docs/openapi.yaml"
    assert file.read_text() == committed.read_text(), "`make schema` writes it anew"


def test_the_description_and_its_page_are_for_people_who_may_look(api: Api) -> None:
    for path in ("/schema", "/docs", "/docs?script="):
        assert api.get(path).status_code == 200
        assert Client().get(f"/api/v1{path}").status_code in {401, 403}
    page = api.get("/docs")
    assert "unsafe-inline" not in page["content-security-policy"]
    assert b"<style" not in page.content


def test_routes_that_several_gateways_have_ask_for_work_at_each(api: Api, target: Target) -> None:
    apply(gateway_yaml("one", ports=(8081,)) + "---\n" + gateway_yaml("two", ports=(8082,)), target=target)
    api.send("PUT", "/backends/Backend/web", backend())
    shared = route()
    shared["spec"]["parentRefs"] = [{"name": "one"}, {"name": "two"}]
    answer = api.send("PUT", "/routes/HTTPRoute/web", shared)
    assert {operation["gateway"] for operation in answer.json()["operations"]} == {"one", "two"}
    assert sorted(Route.objects.get().gateways.values_list("name", flat=True)) == ["one", "two"]
