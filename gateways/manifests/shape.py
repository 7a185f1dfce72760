"""What fields a piece of an object has, in the API's spelling."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import get_args

from pydantic import JsonValue

from gateways.spec.base import Part


@cache
def fields(part: type[Part]) -> dict[str, type[Part] | None]:
    """The fields by name, with the class of the pieces that each holds; None where it holds none."""
    return {field.alias or name: _part_in(field.annotation) for name, field in part.model_fields.items()}


def _part_in(annotation: object) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((part for argument in get_args(annotation) if (part := _part_in(argument))), None)


def fields_at(part: type[Part], path: Iterable[str | int]) -> Iterable[str]:
    """The names that the mapping at this path may have; none where it is free."""
    here: type[Part] | None = part
    for key in path:
        if isinstance(key, str):
            here = fields(here).get(key) if here else None
    return fields(here) if here else ()


def without_nulls(part: type[Part] | None, value: JsonValue) -> JsonValue:
    """A field that is null is one that is not there, as in Kubernetes; free JSON is left alone."""
    if part is None:
        return value
    if isinstance(value, list):
        return [without_nulls(part, item) for item in value]
    if isinstance(value, dict):
        known = fields(part)
        return {
            key: without_nulls(known.get(key), item)
            for key, item in value.items()
            if item is not None or key not in known
        }
    return value
