"""Errors as RFC 9457 problem documents, from one place."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from egx_project.lib.errors import EgxError
from gateways.spec.base import Problem

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler."""
    body = document(error)
    if body["status"] >= 500:  # noqa: PLR2004
        log.error("request failed", path=context["request"].path, exc_info=error)
    answer = exception_handler(error, context) if isinstance(error, APIException) else None
    headers = dict(answer.headers) if answer is not None else {}
    headers.pop("Content-Type", None)
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def document(error: Exception) -> dict[str, Any]:
    """The problem document of an error; of an unforeseen one, without its innards."""
    if isinstance(error, EgxError):
        return _document(error.status, error.title, error.message, error.hint, error.problems)
    if isinstance(error, RequestDataTooBig):
        return _document(413, "Too large", "the request is larger than EGX reads", "split the manifest")
    if isinstance(error, Http404):
        return _document(404, "Not found", "there is no such thing")
    if isinstance(error, APIException):
        return _document(error.status_code, str(error.default_detail).rstrip("."), str(error.detail))
    return _document(500, "EGX failed", f"an error that nobody foresaw: {type(error).__name__}", "see EGX's log")


def _document(status: int, title: str, detail: str, hint: str = "", problems: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "hint": hint,
        "problems": [problem_json(problem) for problem in problems],
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "source": problem.source,
        "line": problem.line,
        "ref": str(problem.ref) if problem.ref else "",
        "field": problem.field,
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity,
    }


def response(error: Exception) -> JsonResponse:
    """For views outside DRF."""
    body = document(error)
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:  # noqa: ARG001
    return response(Http404())


def server_error(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    return response(Exception())
