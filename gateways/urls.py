from __future__ import annotations

from django.urls import path

from gateways import api

urlpatterns = [
    path("targets", api.Targets.as_view()),
    path("routes", api.Routes.as_view()),
    path("export", api.Export.as_view()),
]
