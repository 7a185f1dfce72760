"""YAML as such: what its words mean, and what of it is refused."""

from __future__ import annotations

import pytest

from gateways.manifests.reader import ManifestError, Source, read
from gateways.manifests.scalars import Scalar, resolve
from gateways.spec.base import Problem

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: a
  annotations:
    b: """


def problem(text: str) -> Problem:
    with pytest.raises(ManifestError) as raised:
        read([Source("a.yaml", text)])
    (only,) = raised.value.problems
    return only


def annotation(value: str) -> str:
    (service,) = read([Source("a.yaml", SERVICE + value)]).objects
    return service.metadata.annotations["b"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("On", True), ("y", True), ("TRUE", True), ("n", False), ("OFF", False), ("yEs", "yEs"),
        ("", None), ("~", None), ("Null", None), ("none", "none"),
        ("0", 0), ("-1", -1), ("+7", 7), ("1_000", 1000), ("0x1F", 31), ("0b11", 3), ("-0b11", -3), ("0o17", 15),
        ("017", 15), ("018", 18.0), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("1e999", "1e999"),
        ("1:30", "1:30"), ("2025-01-01", "2025-01-01"), ("10s", "10s"), ("1.2.3", "1.2.3"), ("-", "-"), (".", "."),
        ("_1", "_1"), ("0x", "0x"), ("1" * 200, "1" * 200), ("<<", "<<"), ("=", "="),
    ],
)  # fmt: skip
def test_bare_words_mean_what_they_mean_to_kubectl(text: str, value: Scalar) -> None:
    assert (resolve(text), type(resolve(text))) == (value, type(value))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'yes'", "yes"), ('"1"', "1"), ("!!str 1", "1"), ("! 1", "1"), ("2025-01-01", "2025-01-01"), ("1:30", "1:30"),
        ("|\n      two\n      lines\n", "two\nlines\n"), (">-\n      one\n      line\n", "one line"),
        (r'"\u00e9"', "é"),
    ],
)  # fmt: skip
def test_text_is_read_as_text(written: str, value: str) -> None:
    assert annotation(written) == value


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system [id]", "!!python/name:os.system", "!Ref x", "!!binary aGk=", "!!set {a}",
     "!!timestamp 2025-01-01"],
)  # fmt: skip
def test_only_the_tags_of_plain_data_are_known(value: str) -> None:
    found = problem(SERVICE + value)
    assert found.message.startswith(f"the tag {value.partition(' ')[0]} is not supported")
    assert found.line == 6


def test_a_value_must_be_what_its_tag_says() -> None:
    assert problem(SERVICE + "!!int x").message == "'x' is not what its tag !!int says"


@pytest.mark.parametrize("number", [".nan", ".inf", "-.INF"])
def test_numbers_that_json_does_not_have_are_refused(number: str) -> None:
    found = problem(f"apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec: {{ports: [{{port: {number}}}]}}")
    assert found.message == f"{number} is not a number that JSON has"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [1, 2\n", 2, "did not find expected ',' or ']'"),
        ("a: b: c\n", 1, "mapping values are not allowed in this context"),
        ("a:\n  b: 1\n c: 2\n", 3, "did not find expected key"),
        ('a: 1\nb: "x\n', 2, "found unexpected end of stream"),
        ("a: %b\n", 1, "found character that cannot start any token"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int, message: str) -> None:
    found = problem(text)
    assert message in found.message
    assert found.line == line
    assert found.source == "a.yaml"


def test_tabs_get_a_hint() -> None:
    found = problem("a:\n\tb: 1\n")
    assert (found.line, found.hint) == (2, "indent with spaces; YAML does not allow tabs")


@pytest.mark.parametrize("character", ["\0", "\a", "\x1b", "\x7f", "\x9b", "\ud800", "\uffff"])
def test_control_characters_in_the_text_are_refused(character: str) -> None:
    found = problem(f"a: 1\nb: x{character}y\n")
    assert found.message == f"the character U+{ord(character):04X} may not stand in YAML"
    assert found.line == 2


@pytest.mark.parametrize("escape", [r"\0", r"\a", r"\e", r"\x7f", r"\u0080"])
def test_control_characters_behind_escapes_are_refused(escape: str) -> None:
    found = problem(f'{SERVICE}"x{escape}y"')
    assert found.message.startswith("contains the control character U+00")
    assert found.line == 6


@pytest.mark.parametrize(("key", "kind"), [("on", "a boolean"), ("1", "a number"), ("~", "null")])
def test_a_key_that_is_no_text_is_told_to_be_quoted(key: str, kind: str) -> None:
    found = problem(f"{SERVICE}x\n    {key}: y\n")
    assert found.message == f"the key '{key}' means {kind} in YAML"
    assert (found.hint, found.line) == (f'quote it: "{key}"', 7)


def test_a_key_that_is_a_list_is_refused() -> None:
    assert problem(f"{SERVICE}x\n    [a]: y\n").message == "a key must be text, not a list or a mapping"


def test_an_alias_of_nothing_is_refused() -> None:
    assert problem(SERVICE + "*nothing").message == "the alias *nothing names no anchor of this document"


def test_an_anchor_ends_with_its_document() -> None:
    anchored = SERVICE.replace("name: a", "name: &x a") + "c\n---\n"
    found = problem(anchored + SERVICE.replace("name: a", "name: b") + "*x")
    assert "names no anchor" in found.message


def test_an_alias_of_what_it_is_inside_of_is_refused() -> None:
    assert problem("a: &a [1, *a]").message == "the alias *a repeats what it is inside of"


def test_merging_with_what_is_no_mapping_is_refused() -> None:
    assert problem(f"{SERVICE}x\n    <<: [1]\n").message == "<< takes a mapping or a list of mappings"


def test_tag_directives_are_refused() -> None:
    assert problem(f"%TAG !e! tag:example.com,2000:\n---\n{SERVICE}x").message == "%TAG directives are not supported"


def test_what_is_ignored_is_not_judged() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {on: 1, on: 2, x: !Ref y, 1: .nan}\n"
    assert len(read([Source("a.yaml", text)]).ignored) == 1
