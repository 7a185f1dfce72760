"""Request bodies and answers of the API as pydantic models: one way to read, to write and to document them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from rest_framework.request import Request

from egx_project.lib.errors import BadInputError

Body = TypeVar("Body", bound="ApiModel")


class ApiModel(BaseModel):
    """What goes over the API; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


def parsed(model: type[Body], request: Request) -> Body:
    """The request's JSON. Raises BadInputError that names every field that is wrong."""
    try:
        return model.model_validate(request.data)
    except ValidationError as error:
        wrong = [_said(found["loc"], found["msg"]) for found in error.errors(include_url=False)]
        raise BadInputError("; ".join(wrong[:5])) from None


def _said(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}" if place else message
