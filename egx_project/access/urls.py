from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from egx_project.access import views

urlpatterns = [
    path("login", LoginView.as_view(template_name="access/login.html"), name="login"),
    path("login/<str:secret>", views.by_link),
    path("logout", LogoutView.as_view(), name="logout"),
]
