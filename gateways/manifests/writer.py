"""Objects into YAML that reads back as the same objects, and always as the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from pydantic import JsonValue

from gateways.manifests.scalars import resolve
from gateways.spec.base import ManifestObject, ObjectMeta, Part
from gateways.spec.objects import READ_KINDS

_ORDER = {kind.KIND: position for position, kind in enumerate(READ_KINDS)}
_SEPARATOR = "---\n"
_NO_FOLDING = 2**31 - 1


def write(objects: Iterable[ManifestObject]) -> str:
    """One document an object: by kind, namespace and name."""
    return _SEPARATOR.join(_yaml(document(item)) for item in sorted(objects, key=_position))


def _position(item: ManifestObject) -> tuple[int, str, str]:
    return _ORDER[item.KIND], item.metadata.namespace, item.metadata.name


def document(item: ManifestObject) -> dict[str, JsonValue]:
    """An object as JSON: what its author set, in its newest apiVersion, keys in the order of the API."""
    head: dict[str, JsonValue] = {"apiVersion": item.API_VERSIONS[0], "kind": item.KIND}
    return {**head, **_fields(item), "metadata": _metadata(item.metadata)}


def _metadata(metadata: ObjectMeta) -> dict[str, JsonValue]:
    # The namespace is always written: other readers of the YAML have other defaults than `default`.
    fields = {"name": metadata.name, "namespace": metadata.namespace, **_fields(metadata)}
    return {key: value for key, value in fields.items() if value != {}}


def _fields(part: Part) -> dict[str, JsonValue]:
    """As `Part.as_written`, but that a field set to None is not set, and that free JSON has one order."""
    fields = ((name, field, getattr(part, name)) for name, field in type(part).model_fields.items())
    return {
        field.alias or name: _value(value)
        for name, field, value in fields
        if name in part.model_fields_set and value is not None
    }


def _value(value: Any) -> JsonValue:  # noqa: ANN401 - a field of any piece
    if isinstance(value, Part):
        return _fields(value)
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _value(value[key]) for key in sorted(value)}
    plain: JsonValue = value
    return plain


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - what is repeated is written again
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """A string, quoted where kubectl would read something else; where PyYAML would, it sees to it itself."""
    style = None
    if "\n" in value:
        style = '"'
    elif not isinstance(resolve(value), str):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _yaml(value: dict[str, JsonValue]) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NO_FOLDING)
    return text
