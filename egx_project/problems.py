"""Errors as RFC 9457 problem documents, from one place."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.response import Response
from rest_framework.views import exception_handler

from egx_project.lib.errors import (
    NOT_ALLOWED,
    BadInputError,
    EgxError,
    ForbiddenError,
    UnauthorizedError,
    UnreachableError,
)
from egx_project.rest.bodies import ApiModel

if TYPE_CHECKING:
    from gateways.spec.base import Problem

log = structlog.get_logger(__name__)

TOLD = frozenset({401, 403, 413})
"""Refusals that whoever looks after EGX may want to know of."""
CONTENT_TYPE = "application/problem+json"


class ProblemItem(ApiModel):
    """One thing that is wrong with a manifest."""

    source: str
    line: int
    ref: str
    field: str
    message: str
    hint: str
    severity: Literal["error", "warning"]


class ProblemOut(ApiModel):
    """RFC 9457. `detail` says what failed and why, `hint` what to do."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
    problems: list[ProblemItem]


def handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler."""
    body = document(error)
    request = context["request"]
    if body["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", method=request.method, path=request.path, exc_info=error)
    elif body["status"] in TOLD:
        log.warning("refused", method=request.method, path=request.path, status=body["status"], why=body["detail"])
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
    if isinstance(error, SuspiciousOperation):
        return _document(400, BadInputError.title, "the request makes no sense to EGX")
    if isinstance(error, OperationalError | InterfaceError):
        return _document(503, UnreachableError.title, "the database does not answer", "try again in a while")
    if isinstance(error, Http404):
        return _document(404, "Not found", "there is no such thing")
    if isinstance(error, NotAuthenticated):
        return document(UnauthorizedError())
    if isinstance(error, PermissionDenied):
        return _document(403, ForbiddenError.title, str(error) or NOT_ALLOWED)
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


def response(error: Exception, *, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """For views outside DRF."""
    body = document(error)
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE, headers=headers)


class ProblemPages(MiddlewareMixin):
    """What a page's service refuses is shown as a page."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _shown(request, exception) if isinstance(exception, EgxError) else None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _shown(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _shown(request, exception if isinstance(exception, EgxError) else ForbiddenError(str(exception)))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.warning("forged or stale form", path=request.path, reason=reason)
    stale = ForbiddenError("this form was not sent by EGX's own page, or is too old", hint="reload the page")
    return _shown(request, stale)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _shown(request, Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    return _shown(request, Exception())


def _shown(request: HttpRequest, error: Exception) -> HttpResponse:
    """As a page for who reads pages, as a problem document for all others."""
    if request.accepts("text/html") and not request.path.startswith("/api/"):
        body = document(error)
        return render(request, "problem.html", {"problem": body}, status=body["status"])
    return response(error)
