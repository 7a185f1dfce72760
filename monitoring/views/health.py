"""Health endpoints."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from monitoring.health import health, is_ready


@require_safe
@never_cache
def seed_health(_request: HttpRequest) -> JsonResponse:
    """The seed's `/health`: 200 only when everything is well."""
    found = health()
    return JsonResponse(found, status=200 if found["status"] == "healthy" else 503)


@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """It can serve."""
    try:
        well = is_ready()
    except DatabaseError:
        well = False
    return JsonResponse({"status": "ready" if well else "not ready"}, status=200 if well else 503)
