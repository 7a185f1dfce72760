"""Request bodies and answers of the API as pydantic models: one way to read, to write and to document them."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.request import Request

from egx_project.lib.errors import BadInputError

Body = TypeVar("Body", bound="ApiModel")


class ApiModel(BaseModel):
    """What goes over the API; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """As it is sent. What came from rows unchecked (`model_construct`) is written as it is."""
        return self.model_dump(mode="json", by_alias=True, warnings=False)


def parsed(model: type[Body], request: Request) -> Body:
    """The request's JSON. Raises BadInputError that names every field that is wrong."""
    return _validated(model, request.data)


def asked(model: type[Body], request: Request) -> Body:
    """The request's query parameters. Raises BadInputError that names every one that is wrong or unknown."""
    return _validated(model, request.query_params.dict())


def _validated(model: type[Body], given: object) -> Body:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = [_said(found["loc"], found["msg"]) for found in error.errors(include_url=False)]
        raise BadInputError("; ".join(wrong[:5])) from None


def _said(place: tuple[int | str, ...], message: str) -> str:
    said = ".".join(map(str, place))[:100]
    return f"{said}: {message}" if said else message
