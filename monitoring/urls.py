from __future__ import annotations

from django.urls import path

from monitoring import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("health", views.seed_health),
    path("health/live", views.live),
    path("health/ready", views.ready),
]
