from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from monitoring.api import description, events, status

urlpatterns = [
    path("gateway", status.Summary.as_view()),
    path("status", status.Status.as_view()),
    path("events", events.events),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", description.Docs.as_view(url_name="schema"), name="docs"),
]
