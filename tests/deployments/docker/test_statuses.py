"""What Envoy Gateway's log says of configuration, read as it was seen of 1.8.3 and 1.9.0."""

from __future__ import annotations

from deployments.drivers.docker import statuses

STAMP = "2026-11-26T00:06:28.931Z"


def status(kind: str, key: str, condition: str, value: str, reason: str, message: str) -> str:
    return (
        f"{STAMP}\tinfo\tprovider\tfile/status.go:87\tGot new status for {kind}\n"
        "parents:\n- conditions:\n"
        f'  - lastTransitionTime: "2026-11-26T00:06:09Z"\n    message: {message}\n    reason: {reason}\n'
        f'    status: "{value}"\n    type: {condition}\n'
        f'\t{{"runner": "provider", "key": "{key}"}}\n'
    )


def test_statuses_are_found_among_other_lines_and_the_newest_counts() -> None:
    log = (
        '{"path": "/error when reload resources"}\n'
        + status("HTTPRoute", "default/web", "Accepted", "False", "NoMatchingParent", "there is none")
        + f"{STAMP}\tinfo\txds\trunner/runner.go:285\treceived an update\n"
        + status("HTTPRoute", "default/web", "Accepted", "True", "Accepted", "Route is accepted")
    )
    said = statuses.read(log)
    assert list(said.statuses) == [("HTTPRoute", "default/web")]
    assert statuses.problems(said) == []


def test_a_condition_that_is_not_as_it_should_be_is_told_in_the_engines_words() -> None:
    log = status("HTTPRoute", "default/web", "ResolvedRefs", "False", "BackendNotFound", "Backend web not found")
    assert statuses.problems(statuses.read(log)) == ["HTTPRoute web: ResolvedRefs is False, Backend web not found"]


def test_a_gateway_without_an_address_is_normal_here() -> None:
    log = status("Gateway", "default/web", "Programmed", "False", "AddressNotAssigned", "No addresses")
    assert statuses.problems(statuses.read(log)) == []


def test_what_is_not_read_is_told_without_the_place_of_the_file() -> None:
    refused = (
        '"failed to load resources from file /tmp/envoy-gateway/gw1/r1/cfg/objects.yaml: local validation error: '
        'HTTPRoute \\"web\\" is invalid"'
    )
    for message in statuses.FAILED:
        line = f'{STAMP}\terror\tprovider\tfile/file.go:106\t{message}\t{{"runner": "provider", "error": {refused}}}\n'
        assert statuses.read(line).reload_errors == ('HTTPRoute "web" is invalid',)


def test_a_log_that_breaks_off_or_is_no_yaml_says_nothing() -> None:
    whole = status("HTTPRoute", "default/web", "Accepted", "True", "Accepted", "fine")
    assert statuses.read(whole[:-30]).statuses == {}
    broken = whole.replace("parents:", "parents: [")
    assert statuses.problems(statuses.read(broken)) == []
    assert statuses.read("").statuses == {}
