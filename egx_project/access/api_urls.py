from __future__ import annotations

from django.urls import path

from egx_project.access import api

urlpatterns = [
    path("tokens", api.Tokens.as_view()),
    path("tokens/<str:name>", api.OneToken.as_view()),
    path("login-links", api.LoginLinks.as_view()),
]
