"""Reading bodies."""

from __future__ import annotations

from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    def parse(self, stream: IO[Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        try:
            return super().parse(stream, *arguments, **named)
        except RecursionError:
            raise ParseError("the JSON is nested too deeply") from None
