from __future__ import annotations

from django.urls import path

from gateways.api import export, listeners, policies

urlpatterns = [
    path("listeners", listeners.Listeners.as_view()),
    path("policies", policies.Policies.as_view()),
    path("export", export.Export.as_view()),
]
