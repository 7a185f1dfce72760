from __future__ import annotations

import pytest

from gateways.manifests.limits import Limits
from gateways.manifests.reader import ManifestError, Source, read
from gateways.spec.base import Problem

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: eg
spec:
  gatewayClassName: eg
  listeners:
    - name: http
      port: 80
      protocol: HTTP
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs:
    - name: eg
  rules:
    - backendRefs:
        - name: a
          port: 80
"""
NAME_RULE = "must be lower case letters, digits, '-' and '.', at most 253 characters"


def problems(*texts: str, limits: Limits | None = None) -> tuple[Problem, ...]:
    sources = [Source(f"{number}.yaml", text) for number, text in enumerate(texts, start=1)]
    with pytest.raises(ManifestError) as raised:
        read(sources, limits=limits or Limits())
    return raised.value.problems


def problem(*texts: str) -> Problem:
    (only,) = problems(*texts)
    return only


def at(found: Problem) -> tuple[str, int]:
    return found.field, found.line


# --- Fields


def test_an_unknown_field_is_named_with_the_one_that_was_meant() -> None:
    found = problem(GATEWAY.replace("      protocol", "      hostnam: a\n      protocol"))
    assert str(found) == (
        "1.yaml:10: Gateway eg: spec.listeners[0].hostnam: unknown field 'hostnam' (did you mean 'hostname'?)"
    )


def test_pythons_spelling_of_a_field_is_unknown() -> None:
    found = problem(ROUTE.replace("    - backendRefs", "    - backend_refs"))
    assert at(found) == ("spec.rules[0].backend_refs", 8)
    assert found.hint == "did you mean 'backendRefs'?"


def test_a_field_that_is_like_no_other_gets_no_hint() -> None:
    assert problem(GATEWAY + "  xyzzy: 1\n").hint == ""


def test_an_unknown_field_of_the_object_itself_is_found() -> None:
    found = problem(GATEWAY.replace("spec:", "data: {}\nspec:"))
    assert at(found) == ("data", 5)


def test_a_missing_field_is_named_at_the_line_of_what_should_have_it() -> None:
    found = problem(GATEWAY.replace("  gatewayClassName: eg\n", ""))
    assert at(found) == ("spec.gatewayClassName", 5)
    assert found.message == "the required field 'gatewayClassName' is missing"


def test_a_required_field_that_is_null_is_missing_at_its_own_line() -> None:
    found = problem(GATEWAY.replace("gatewayClassName: eg", "gatewayClassName:"))
    assert at(found) == ("spec.gatewayClassName", 6)


@pytest.mark.parametrize("part", ["metadata", "spec"])
def test_metadata_and_spec_are_required(part: str) -> None:
    lines = {"metadata": "metadata:\n  name: eg\n", "spec": GATEWAY[GATEWAY.index("spec:") :]}
    assert problem(GATEWAY.replace(lines[part], "")).message == f"the required field '{part}' is missing"


@pytest.mark.parametrize(
    ("right", "wrong", "message", "hint"),
    [
        ("port: 80", "port: '80'", "must be a whole number, not the text '80'", "write it without quotes: 80"),
        ("port: 80", "port: 80.5", "must be a whole number, not the number 80.5", ""),
        ("port: 80", "port: true", "must be a whole number, not the boolean true", ""),
        ("port: 80", "port: 70000", "must be at most 65535, not 70000", ""),
        ("port: 80", "port: 0", "must be at least 1, not 0", ""),
        ("protocol: HTTP", "protocol: yes", "must be text, not the boolean true", 'quote it: "yes"'),
        ("protocol: HTTP", "protocol: 0x10", "must be text, not the number 16", 'quote it: "0x10"'),
        ("protocol: HTTP", "protocol: [HTTP]", "must be text, not a list", ""),
        ("protocol: HTTP", "protocol: {a: b}", "must be text, not a mapping", ""),
        ("protocol: HTTP", "protocol: ''", "must have at least 1 character", ""),
        ("gatewayClassName: eg", "gatewayClassName: A", f"{NAME_RULE}, not 'A'", ""),
        ("      protocol: HTTP", "      tls: []\n      protocol: HTTP", "must be a mapping, not a list", ""),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_words(right: str, wrong: str, message: str, hint: str) -> None:
    found = problem(GATEWAY.replace(right, wrong))
    assert (found.message, found.hint) == (message, hint)


def test_a_mapping_where_a_list_belongs_is_told_how_to_be_one() -> None:
    found = problem(ROUTE.replace("    - name: eg", "      name: eg"))
    assert at(found) == ("spec.parentRefs", 5)
    assert (found.message, found.hint) == ("must be a list, not a mapping", "begin each item with '- '")


def test_a_word_that_is_none_of_a_few_is_told_which_they_are() -> None:
    found = problem(ROUTE.replace("- backendRefs", "- matches: [{path: {type: Prefix, value: /}}]\n      backendRefs"))
    assert found.message == "must be 'Exact', 'PathPrefix' or 'RegularExpression', not the text 'Prefix'"
    assert found.hint == "did you mean 'PathPrefix'?"


def test_an_object_that_breaks_a_rule_of_the_api_is_told_the_rule() -> None:
    found = problem(ROUTE.replace("- backendRefs", "- filters: [{type: CORS}]\n      backendRefs"))
    assert found.field == "spec.rules[0].filters[0]"
    assert found.message == "type CORS needs the field cors"


def test_a_regular_expression_that_envoy_cannot_use_is_refused() -> None:
    text = ROUTE.replace(
        "- backendRefs", "- matches: [{path: {type: RegularExpression, value: '(?=a)'}}]\n      backendRefs"
    )
    assert "not a regular expression that Envoy (RE2) can use" in problem(text).message


def test_header_names_with_forbidden_characters_are_refused() -> None:
    text = ROUTE.replace("- backendRefs", "- matches: [{headers: [{name: a b, value: c}]}]\n      backendRefs")
    assert problem(text).message == "'a b' has characters that may not be here"


def test_an_empty_list_that_may_not_be_empty_is_refused() -> None:
    found = problem(GATEWAY[: GATEWAY.index("  listeners")] + "  listeners: []\n")
    assert (at(found), found.message) == (("spec.listeners", 7), "must have at least 1 item")


def test_a_list_that_is_too_long_is_refused() -> None:
    hostnames = ", ".join(f"h{number}" for number in range(17))
    found = problem(ROUTE.replace("  rules:", f"  hostnames: [{hostnames}]\n  rules:"))
    assert found.message == "may have at most 16 items, not 17"


def test_a_bad_item_does_not_make_its_list_too_short_as_well() -> None:
    assert problem(ROUTE.replace("port: 80", "port: x")).field == "spec.rules[0].backendRefs[0].port"


@pytest.mark.parametrize("value", ["1", "true", "1.5", "null", "[a]"])
def test_annotations_are_text(value: str) -> None:
    found = problem(GATEWAY.replace("  name: eg\n", f"  name: eg\n  annotations:\n    a: {value}\n"))
    assert at(found) == ("metadata.annotations.a", 6)
    assert found.message.startswith("must be text, not ")


def test_a_boolean_string_does_not_pass_for_a_boolean() -> None:
    text = """\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: a}
spec:
  endpoints: [{ip: {address: 127.0.0.1, port: 1}}]
  fallback: "true"
"""
    found = problem(text)
    assert found.message == "must be true or false, not the text 'true'"
    assert found.hint == "write it without quotes: true"


def test_the_address_of_a_backend_is_an_ip_address() -> None:
    text = """\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: a}
spec:
  endpoints: [{ip: {address: localhost, port: 1}}]
"""
    assert problem(text).message == "must be an IP address, not 'localhost'"


@pytest.mark.parametrize(
    "address", ["http://a", "a:0", "a:x", "a:70000", ":80", "''", "'80'", "a b:1", "1.2.3:4", "a/b"]
)
def test_the_address_of_a_service_is_checked(address: str) -> None:
    text = f"""\
apiVersion: v1
kind: Service
metadata:
  name: a
  annotations:
    egx.dev/address: {address}
"""
    found = problem(text)
    assert at(found) == ("metadata.annotations.egx.dev/address", 6)
    assert found.message.startswith("must be host or host:port")


def test_no_message_has_the_validators_own_words() -> None:
    text = GATEWAY.replace("port: 80", "port: x").replace("name: http", "name: [1]\n      foo: 1") + "  addresses: 1\n"
    told = " ".join(str(found) for found in problems(text)).lower()
    for word in ("pydantic", "input", "tuple", "dictionary", "value error", "https://", "str "):
        assert word not in told


# --- Kinds and versions


def test_a_misspelt_kind_is_told_the_right_one() -> None:
    found = problem(ROUTE.replace("HTTPRoute", "HttpRoute"))
    assert at(found) == ("kind", 2)
    assert found.hint == "did you mean 'HTTPRoute'?"


def test_a_kind_of_another_project_is_unknown() -> None:
    found = problem("apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a}\n")
    assert found.message == "EGX does not know the kind 'Certificate' of 'cert-manager.io/v1'"


@pytest.mark.parametrize("version", ["gateway.networking.k8s.io/v1alpha1", "networking.istio.io/v1", "v1"])
def test_a_wrong_api_version_is_told_the_right_one(version: str) -> None:
    found = problem(GATEWAY.replace("gateway.networking.k8s.io/v1", version))
    assert at(found) == ("apiVersion", 1)
    assert found.hint == "write gateway.networking.k8s.io/v1"


def test_a_policy_in_the_wrong_group_is_refused() -> None:
    found = problem("apiVersion: gateway.networking.k8s.io/v1\nkind: SecurityPolicy\nmetadata: {name: a}\n")
    assert found.field == "apiVersion"


def test_a_missing_api_version_is_told_the_right_one() -> None:
    found = problem(GATEWAY.replace("apiVersion: gateway.networking.k8s.io/v1\n", ""))
    assert found.hint == "write apiVersion: gateway.networking.k8s.io/v1"


def test_a_misspelt_api_version_key_is_told() -> None:
    assert problem(GATEWAY.replace("apiVersion", "apiversion")).hint == "write apiVersion instead of apiversion"


def test_a_missing_kind_is_told() -> None:
    assert problem(GATEWAY.replace("kind: Gateway\n", "")).message == "the required field 'kind' is missing"


def test_a_kind_that_is_no_text_is_told() -> None:
    assert problem(GATEWAY.replace("kind: Gateway", "kind: 3")).message == "must be text that is not empty"


@pytest.mark.parametrize("text", ["3", "just words", "- a\n- b"])
def test_a_document_that_is_no_object_is_told(text: str) -> None:
    assert problem(text).message.startswith("an object has apiVersion, kind, metadata and spec")


def test_a_generated_name_is_refused() -> None:
    found = problem(GATEWAY.replace("name: eg\nspec", "generateName: eg-\nspec"))
    assert at(found) == ("metadata.generateName", 4)
    assert "generateName is not supported" in found.message


def test_the_metadata_of_a_kind_that_is_not_read_is_checked() -> None:
    found = problem("apiVersion: v1\nkind: Secret\nmetadata: {name: A}\n")
    assert found.field == "metadata.name"


@pytest.mark.parametrize(
    ("items", "message"), [("", "the required field 'items' is missing"), ("items: 3", "must be a list")]
)
def test_a_list_without_items_is_told(items: str, message: str) -> None:
    assert problem(f"apiVersion: v1\nkind: List\n{items}").message == message


def test_an_item_of_a_list_has_the_path_from_its_own_root_and_the_line_in_the_file() -> None:
    found = problem("apiVersion: v1\nkind: List\nitems:\n- kind: Gateway\n  metadata: {name: a}\n")
    assert at(found) == ("apiVersion", 4)


# --- The same thing twice


def test_an_object_that_is_given_twice_names_both_places() -> None:
    found = problem(GATEWAY, f"---\n{ROUTE}---\n{GATEWAY}")
    assert str(found) == "2.yaml:13: Gateway eg: is given twice: here and at 1.yaml:1"


def test_objects_of_one_name_in_two_namespaces_are_two() -> None:
    other = GATEWAY.replace("  name: eg\nspec", "  name: eg\n  namespace: b\nspec")
    assert len(read([Source("a", GATEWAY), Source("b", other)]).objects) == 2


def test_a_key_that_is_given_twice_is_told_with_both_lines() -> None:
    found = problem(GATEWAY.replace("      port: 80\n", "      port: 80\n      port: 81\n"))
    assert at(found) == ("spec.listeners[0].port", 10)
    assert found.message == "the key 'port' is given twice, first on line 9"


# --- All of it


def test_every_problem_of_every_document_is_collected() -> None:
    first = GATEWAY.replace("port: 80", "port: 0").replace("name: http", "name: _")
    second = ROUTE.replace("    - name: eg", "    - nam: eg")
    found = problems(f"{first}---\n{second}---\nkind: Nothing\napiVersion: x/v1", "a: [")
    assert [(item.source, item.line, item.field) for item in found] == [
        ("1.yaml", 8, "spec.listeners[0].name"),
        ("1.yaml", 9, "spec.listeners[0].port"),
        ("1.yaml", 17, "spec.parentRefs[0].name"),
        ("1.yaml", 17, "spec.parentRefs[0].nam"),
        ("1.yaml", 23, "kind"),
        ("2.yaml", 1, ""),
    ]


def test_the_error_says_the_first_problem_and_how_many_more_there_are() -> None:
    with pytest.raises(ManifestError) as raised:
        read([Source("-", GATEWAY.replace("port: 80", "port: 0").replace("name: http", "name: _"))])
    assert str(raised.value).startswith("-:8: Gateway eg: spec.listeners[0].name: must be lower case")
    assert str(raised.value).endswith("(and 1 more)")


def test_reading_stops_after_as_many_problems_as_anyone_reads() -> None:
    unknown = "".join(f"  x{number}: 1\n" for number in range(50))
    found = problems(GATEWAY + unknown, limits=Limits(problems=10))
    assert len(found) == 11
    assert found[-1].message == "reading stopped after 10 problems; there may be more"
