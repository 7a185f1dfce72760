"""Pages that change by themselves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from egx_project.access.roles import role_of
from egx_project.events.read import last_number
from monitoring import fragments


def page_of(request: HttpRequest, view: str, *, title: str) -> HttpResponse:
    """The view's fragments, and the number from which on its browser asks for events."""
    number = last_number()  # before the rows: an event told twice costs nothing, one that is missed is lost
    role = role_of(request.user)
    parts = fragments.render(view, role=role, subjects=None) if role else {}
    context = {"title": title, "watched": view, "event": number, "parts": parts}
    return render(request, "monitoring/live.html", context)


def page_number(request: HttpRequest) -> int:
    asked = request.GET.get("page", "")
    return int(asked) if asked.isdecimal() and len(asked) < len("1000000") else 1
