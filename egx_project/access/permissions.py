"""What a view asks of its caller."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from egx_project.access.roles import Action, may
from egx_project.lib.errors import NOT_ALLOWED

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class Permitted(BasePermission):
    """Of DRF views: reading needs `view`, the rest `change`, unless the view's `needs` says otherwise by method."""

    message = NOT_ALLOWED

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ANN401
        usual = Action.VIEW if request.method in SAFE_METHODS else Action.CHANGE
        return may(request.user, getattr(view, "needs", {}).get(request.method, usual))


def _to_login(request: HttpRequest) -> HttpResponseBase:
    """A browser follows a redirect by itself; htmx must be told that it is the whole page that goes."""
    if request.headers.get("HX-Request"):
        return HttpResponseClientRefresh()
    return redirect_to_login(request.get_full_path())


def page(action: Action, *, posting: Action | None = None) -> Callable[[Page[P]], Page[P]]:
    """Of pages: strangers are sent to the login, and those whose role does not allow it are refused.

    With `posting`, sending the page's form needs that, and looking at it `action`.
    """

    def decorate(view: Page[P]) -> Page[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(request)
            needed = action if request.method in SAFE_METHODS else posting or action
            if not may(request.user, needed):
                raise PermissionDenied(f"this needs a role that may {needed}")
            return view(request, *args, **kwargs)

        return guarded

    return decorate
