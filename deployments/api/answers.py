"""`Idempotency-Key`: the first answer again, for a request that may have been sent twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.models import Answer
from egx_project.lib.errors import BadInputError, ConflictError

LONGEST_KEY = 200


def answer_once(request: Request, make: Callable[[], tuple[int, dict[str, Any]]]) -> Response:
    """The answer that `make` gives, or gave to the first request with this key.

    The answer is stored in the transaction of what it tells of: either both are there or neither. Raises
    ConflictError where the key was used for another request.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        status, body = make()
        return Response(body, status=status)
    if len(key) > LONGEST_KEY:
        raise BadInputError(f"an Idempotency-Key has at most {LONGEST_KEY} characters")
    digest = _digest(request)
    try:
        with transaction.atomic():
            found = Answer.objects.filter(key=key).first()
            if found is None:
                status, body = make()
                found = Answer.objects.create(key=key, request_sha256=digest, status=status, body=body)
    except IntegrityError:  # the same request, at the same moment, was quicker
        found = Answer.objects.get(key=key)
    if found.request_sha256 != digest:
        raise ConflictError(f"Idempotency-Key {key} was used for another request", hint="use a new key")
    return Response(found.body, status=found.status)


def _digest(request: Request) -> str:
    body = request._request.body
    return hashlib.sha256(
        b"\0".join([(request.method or "").encode(), request.get_full_path().encode(), body])
    ).hexdigest()
