"""Where everything is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("monitoring.urls")),
    path("", include("egx_project.access.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("egx_project.access.api_urls")),
    path("api/v1/", include([path("", include(f"{app}.urls")) for app in ("gateways", "deployments", "updates")])),
    path("api/v1/", include("monitoring.api_urls")),
]

handler400 = "egx_project.problems.bad_request"
handler403 = "egx_project.problems.forbidden"
handler404 = "egx_project.problems.not_found"
handler500 = "egx_project.problems.server_error"
