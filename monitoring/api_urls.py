from __future__ import annotations

from django.urls import path

from monitoring import api

urlpatterns = [
    path("status", api.Status.as_view()),
    path("events", api.events),
]
