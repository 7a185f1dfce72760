"""`egx apply --service`: where a Service is reached, said on the command line instead of in an annotation."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from egx_project.lib.errors import BadInputError
from gateways.manifests.nodes import shown
from gateways.spec.base import Label, Name, ObjectMeta
from gateways.spec.objects import ADDRESS_ANNOTATION, Address, Service

_HINT = "write name=host:port or namespace/name=host:port"
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_NAMESPACE: TypeAdapter[str] = TypeAdapter(Label)
_ADDRESS: TypeAdapter[str] = TypeAdapter(Address)


def parse_service_option(text: str) -> Service:
    """The Service that `name=host:port` or `namespace/name=host:port` means. Raises BadInputError."""
    place, separator, address = text.partition("=")
    if not separator:
        raise BadInputError(f"--service {shown(text)} has no '='", hint=_HINT)
    namespace, slash, name = place.rpartition("/")
    metadata = {
        "name": _checked(_NAME, name, text, "name"),
        "annotations": {ADDRESS_ANNOTATION: _checked(_ADDRESS, address, text, "address")},
    }
    if slash:
        metadata["namespace"] = _checked(_NAMESPACE, namespace, text, "namespace")
    return Service(metadata=ObjectMeta.model_validate(metadata))


def _checked(type_: TypeAdapter[Any], value: str, option: str, what: str) -> str:
    try:
        checked: str = type_.validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["ctx"]["error"]
        message = f"--service {shown(option)}: the {what} {shown(value)} {reason}"
        raise BadInputError(message, hint=_HINT) from None
    return checked
