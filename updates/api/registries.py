"""Logins at container registries. A password goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from pydantic import Field, SecretStr
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from egx_project.access.roles import Action
from egx_project.rest.bodies import ApiModel, parsed
from updates.models import RegistryLogin
from updates.services import logins


class LoginBody(ApiModel):
    username: str = Field(min_length=1, max_length=255)
    password: SecretStr = Field(min_length=1, max_length=logins.LONGEST, json_schema_extra={"writeOnly": True})


class LoginOut(ApiModel):
    registry: str
    username: str
    by: str
    changed_at: datetime


class LoginsOut(ApiModel):
    items: list[LoginOut]


class Registries(APIView):
    needs: ClassVar = {"GET": Action.ADMINISTER}

    @extend_schema(responses=LoginsOut)
    def get(self, _request: Request) -> Response:
        """Where EGX has a login of its own, and as whom."""
        return Response(LoginsOut(items=[_shown(row) for row in logins.logins()]).as_json())


class OneRegistry(APIView):
    needs: ClassVar = {"PUT": Action.ADMINISTER, "DELETE": Action.ADMINISTER}

    @extend_schema(request=LoginBody, responses=LoginOut)
    def put(self, request: Request, registry: str) -> Response:
        """Log EGX in: it asks the registry with this name and password from now on."""
        body = parsed(LoginBody, request)
        row = logins.set_login(
            registry=registry,
            username=body.username,
            password=body.password.get_secret_value(),
            by=str(request.user),
        )
        return Response(_shown(row).as_json())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, registry: str) -> Response:
        """Forget the login."""
        logins.remove_login(registry=registry, by=str(request.user))
        return Response(status=204)


def _shown(row: RegistryLogin) -> LoginOut:
    return LoginOut(registry=row.registry, username=row.username, by=row.by, changed_at=row.changed_at)
