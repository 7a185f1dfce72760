"""Where everything is."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("monitoring.urls")),
    path("api/v1/", include([path("", include(f"{app}.urls")) for app in ("gateways", "deployments")])),
    path("api/v1/", include("monitoring.api_urls")),
]

handler404 = "egx_project.problems.not_found"
handler500 = "egx_project.problems.server_error"
