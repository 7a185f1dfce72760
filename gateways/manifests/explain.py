"""What is wrong with an object, in words that its author uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateways.manifests.kinds import did_you_mean
from gateways.manifests.nodes import Node, Path, brief, shown
from gateways.manifests.shape import fields_at
from gateways.spec.base import Part


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at a path from the object's root."""

    path: Path
    message: str
    hint: str = ""


def explain(error: ValidationError, model: type[Part], root: Node, *, at: Path = ()) -> Iterator[Finding]:
    """The causes in a pydantic error. `at` is the path of what was validated in the object that `root` is."""
    for detail in error.errors(include_url=False):
        if not _is_echo(detail):
            path = (*at, *detail["loc"])
            yield Finding(path, _message(detail, path), _hint(detail, model, root.find(path)))


def _is_echo(detail: ErrorDetails) -> bool:
    """Pydantic counts only the good items of a list, so it finds a list with a bad item too short as well."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


_EXPECTED = {
    "string_type": "text", "int_type": "a whole number", "bool_type": "true or false", "tuple_type": "a list",
    "dict_type": "a mapping", "model_type": "a mapping",
}  # fmt: skip


def _message(detail: ErrorDetails, path: Path) -> str:
    type_, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if type_ in _EXPECTED:
        return f"must be {_EXPECTED[type_]}, not {_described(given)}"
    if type_ in _SENTENCES:
        name = brief(str(path[-1])) if path else ""
        return _SENTENCES[type_](name, given, context)
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _described(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return f"the number {brief(str(value))}"
        case str():
            return f"the text {shown(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def own_words(given: object, error: Exception) -> str:
    """The message of a validator of ours. Those about one word say what it must be, and not what it is."""
    message = str(error)
    says_must = isinstance(given, str) and message.startswith("must be")
    return f"{message}, not {shown(str(given))}" if says_must else message


# Each is given the field's name, its value and pydantic's context.
_SENTENCES: dict[str, Callable[[str, Any, dict[str, Any]], str]] = {
    "missing": lambda name, _, __: f"the required field '{name}' is missing",
    "extra_forbidden": lambda name, _, __: f"unknown field '{name}'",
    "literal_error": lambda _, given, c: f"must be {c['expected']}, not {_described(given)}",
    "value_error": lambda _, given, c: own_words(given, c["error"]),
    "greater_than_equal": lambda _, given, c: f"must be at least {c['ge']}, not {brief(str(given))}",
    "less_than_equal": lambda _, given, c: f"must be at most {c['le']}, not {brief(str(given))}",
    "string_pattern_mismatch": lambda _, given, __: f"{shown(given)} has characters that may not be here",
    "string_too_short": lambda _, __, c: f"must have at least {_count(c['min_length'], 'character')}",
    "string_too_long": lambda _, given, c: _at_most(c["max_length"], "character", given),
    "too_short": lambda _, __, c: f"must have at least {_count(c['min_length'], 'item')}",
    "too_long": lambda _, given, c: _at_most(c["max_length"], "item", given),
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _at_most(number: int, noun: str, given: Sized) -> str:
    return f"may have at most {_count(number, noun)}, not {len(given)}"


def _hint(detail: ErrorDetails, model: type[Part], node: Node | None) -> str:
    type_, given, location = detail["type"], detail["input"], detail["loc"]
    if type_ == "extra_forbidden":
        return did_you_mean(str(location[-1]), fields_at(model, location[:-1]))
    if type_ == "literal_error" and isinstance(given, str):
        expected = detail["ctx"]["expected"]
        if given in re.findall(r"[0-9]+", expected):
            return _without_quotes(given)
        return did_you_mean(given, re.findall(r"'([^']*)'", expected))
    if type_ == "string_type" and isinstance(given, bool | int | float):
        return f'quote it: "{brief(node.text if node else str(given))}"'
    if type_ == "int_type" and isinstance(given, str) and re.fullmatch("[0-9]{1,18}", given):
        return _without_quotes(given)
    if type_ == "bool_type" and given in ("true", "false"):
        return _without_quotes(given)
    if type_ == "tuple_type":
        return "begin each item with '- '"
    if type_ == "string_pattern_mismatch":
        return f"the pattern is {detail['ctx']['pattern']}"
    return ""


def _without_quotes(text: str) -> str:
    return f"write it without quotes: {text}"
