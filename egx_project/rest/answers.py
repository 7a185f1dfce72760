"""`Idempotency-Key`: the first answer again, for a request that may have been sent twice."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from egx_project.lib.errors import BadInputError, ConflictError
from egx_project.rest.models import Answer

KEY = re.compile(r"[!-~]{1,200}")
KEPT = timedelta(days=1)

Made = tuple[int, dict[str, Any] | None]
"""Status and body."""


def answer_once(request: Request, make: Callable[[], Made]) -> Response:
    """The answer that `make` gives, or gave to this user's first request with this key.

    The answer is stored in the transaction of what it tells of: either both are there or neither. Raises
    BadInputError for a key that is none, ConflictError where it was used for another request.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return _response(*make())
    if not KEY.fullmatch(key):
        raise BadInputError("an Idempotency-Key has 1 to 200 printable ASCII characters, and no spaces")
    who, digest = str(request.user), _digest(request)
    try:
        with transaction.atomic():
            found = Answer.objects.filter(who=who, key=key).first()
            if found is None:
                status, body = make()
                found = Answer.objects.create(
                    who=who, key=key, request_sha256=digest, status=status, body=json.dumps(body)
                )
    except IntegrityError:  # the same request, at the same moment, was quicker
        found = Answer.objects.filter(who=who, key=key).first()
        if found is None:
            raise
    if found.request_sha256 != digest:
        raise ConflictError(f"Idempotency-Key {key} was used for another request", hint="use a new key")
    return _response(found.status, json.loads(found.body))


def prune() -> int:
    """Forget answers that are older than a day; how many."""
    return Answer.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]


def _response(status: int, body: dict[str, Any] | None) -> Response:
    operations = (body or {}).get("operations") or []
    return Response(body, status=status, headers={"Location": operations[0]["url"]} if operations else None)


def _digest(request: Request) -> str:
    """Method, address, conditions and body."""
    parts = [
        request.method or "",
        request.get_full_path(),
        request.headers.get("If-Match", ""),
        request.headers.get("If-None-Match", ""),
    ]
    return hashlib.sha256(b"\0".join([*(part.encode() for part in parts), request._request.body])).hexdigest()
