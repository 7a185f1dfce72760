"""REST: API tokens and login links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from egx_project.access import people, services
from egx_project.access.models import ApiToken
from egx_project.access.roles import Action, Role, SocketUser, lowest, may, role_of
from egx_project.lib.errors import ForbiddenError, NotFoundError
from egx_project.rest.bodies import ApiModel, parsed

MOST_DAYS = 3650


class TokenBody(ApiModel):
    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w.@+-]+$")
    role: Role = Role.VIEWER
    days: int | None = Field(default=None, ge=1, le=MOST_DAYS)


class TokenOut(ApiModel):
    name: str
    role: Role
    user: str
    start: str
    """The secret's first characters."""
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewTokenOut(TokenOut):
    token: str
    """The secret. It is shown this once."""


class TokensOut(ApiModel):
    items: list[TokenOut]


class LinkBody(ApiModel):
    user: str | None = Field(default=None, max_length=150)
    """The owner, if not given."""


class LinkOut(ApiModel):
    url: str
    user: str


class Tokens(APIView):
    """Anybody's own tokens; an admin's answer has all. Nobody makes one that may more than its maker."""

    needs: ClassVar = {"POST": Action.VIEW}

    @extend_schema(responses=TokensOut)
    def get(self, request: Request) -> Response:
        found = ApiToken.objects.select_related("user").filter(**_visible(request))
        return Response({"items": [_shown(token).as_json() for token in found]})

    @extend_schema(request=TokenBody, responses={201: NewTokenOut})
    def post(self, request: Request) -> Response:
        body = parsed(TokenBody, request)
        role = role_of(request.user)
        if lowest(role, body.role) != body.role:
            raise ForbiddenError(f"a token cannot have the role {body.role}: yours is {role}")
        lifetime = timedelta(days=body.days or settings.EGX_TOKEN_DAYS)
        token, secret = services.create_token(
            user=_owner_of_new(request), name=body.name, role=body.role, lifetime=lifetime, by=str(request.user)
        )
        shown = NewTokenOut(token=secret, **_shown(token).model_dump())
        return Response(shown.as_json(), status=201)


class OneToken(APIView):
    needs: ClassVar = {"DELETE": Action.VIEW}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Revoke it."""
        services.revoke_token(name=name, by=str(request.user), **_visible(request))
        return Response(status=204)


class LoginLinks(APIView):
    """A link that logs in once: for oneself, or by an admin for anybody."""

    needs: ClassVar = {"POST": Action.ADMINISTER}

    @extend_schema(request=LinkBody, responses={201: LinkOut})
    def post(self, request: Request) -> Response:
        body = parsed(LinkBody, request)
        user = _named(body.user) if body.user else people.owner()
        url = services.issue_link(user=user, by=str(request.user))
        return Response(LinkOut(url=url, user=user.username).as_json(), status=201)


def _visible(request: Request) -> dict[str, Any]:
    return {} if may(request.user, Action.ADMINISTER) else {"user": request.user}


def _owner_of_new(request: Request) -> User:
    caller: Any = request.user
    return people.owner() if isinstance(caller, SocketUser) else cast("User", caller)


def _named(name: str) -> User:
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise NotFoundError(f"there is no user {name}", hint="an admin makes users at /admin/auth/user/")
    return user


def _shown(token: ApiToken) -> TokenOut:
    return TokenOut(
        name=token.name,
        role=Role(token.role),
        user=token.user.username,
        start=token.start,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
