"""`If-Match` and `If-None-Match` (RFC 9110, section 13.1): an edit of what the editor has seen, and of nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rest_framework.request import Request
from rest_framework.response import Response

from egx_project.lib.errors import BadInputError, PreconditionError
from gateways import selectors
from gateways.etags import etag
from gateways.models import ManifestRow
from gateways.spec.base import ObjectRef

TAGS = re.compile(r'\s*(?:\*|(?:W/)?"[!#-~]*"(?:\s*,\s*(?:W/)?"[!#-~]*")*)\s*')
TAG = re.compile(r'(?:W/)?"[!#-~]*"|\*')


@dataclass(frozen=True)
class Conditions:
    match: frozenset[str]
    none_match: frozenset[str]

    @classmethod
    def of(cls, request: Request) -> Conditions:
        """Raises BadInputError for tags that are none."""
        return cls(match=_tags(request, "If-Match"), none_match=_tags(request, "If-None-Match"))

    def check(self, ref: ObjectRef) -> None:
        """To be called in the transaction that writes, whose row this locks. Raises PreconditionError."""
        if not self.match and not self.none_match:
            return
        row = selectors.find_row(ref, lock=True)
        tags = {"*", etag(row)} if row else set()
        if self.match and tags.isdisjoint(self.match):
            what = "has been changed" if row else "is not there"
            raise PreconditionError(f"{ref} {what} since it was read", hint="read it again, and try on what it is now")
        if not tags.isdisjoint(self.none_match):
            raise PreconditionError(f"{ref} is there already", hint="leave If-None-Match out to replace it")

    def answer(self, row: ManifestRow, body: dict[str, object]) -> Response:
        """The answer to who reads the row: nothing new for who has it already."""
        tag = etag(row)
        if not {tag, f"W/{tag}", "*"}.isdisjoint(self.none_match):
            return Response(status=304, headers={"ETag": tag})
        return Response(body, headers={"ETag": tag})


def _tags(request: Request, header: str) -> frozenset[str]:
    value = request.headers.get(header, "")
    if not value:
        return frozenset()
    if not TAGS.fullmatch(value):
        raise BadInputError(f"{header} has no entity tags", hint='such as "3f2a…", as in the ETag of what was read')
    return frozenset(TAG.findall(value))
