"""Letting people and scripts in, and out again."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from egx_project.access.models import ApiToken, LoginLink
from egx_project.access.roles import Role
from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib.errors import ConflictError, NotFoundError

PREFIX = "egx_"
"""Lets secret scanners and people know what it is."""
USE_NOTED_EVERY = timedelta(minutes=1)
LINKS_KEPT = timedelta(days=1)


def create_token(*, user: User, name: str, role: Role, lifetime: timedelta, by: str) -> tuple[ApiToken, str]:
    """A new token and its secret, which is not kept. Raises ConflictError while another has the name."""
    secret = PREFIX + secrets.token_urlsafe(32)
    now = timezone.now()
    try:
        with transaction.atomic():
            token = ApiToken.objects.create(
                user=user,
                name=name,
                role=role,
                start=secret[:12],
                sha256=_sha256(secret),
                created_at=now,
                expires_at=now + lifetime,
            )
            record(EventKind.TOKEN_CREATED, f"token/{name}", role=role, user=user.username, by=by)
    except IntegrityError:
        raise ConflictError(f"there is a token {name} already", hint="take another name, or revoke it first") from None
    return token, secret


def revoke_token(*, name: str, by: str, user: User | None = None) -> ApiToken:
    """End a token, of `user` alone if given. Raises NotFoundError where there is none of the name."""
    mine = {} if user is None else {"user": user}
    with transaction.atomic():
        token = ApiToken.objects.filter(name=name, revoked_at=None, **mine).first()
        if token is None:
            raise NotFoundError(f"there is no token {name}", hint="`egx token list` lists them")
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(EventKind.TOKEN_REVOKED, f"token/{name}", user=token.user.username, by=by)
    return token


def user_of_token(secret: str) -> User | None:
    """The user whose token this is, limited to the token's role; None for one that is unknown, expired or revoked."""
    now = timezone.now()
    token = ApiToken.objects.select_related("user").filter(sha256=_sha256(secret)).first()
    if token is None or not token.is_good(now):
        return None
    _note_use(token, now)
    user = token.user
    user.egx_limit = Role(token.role)  # type: ignore[attr-defined]  # read by `role_of`
    return user


def _note_use(token: ApiToken, now: datetime) -> None:
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def issue_link(*, user: User, by: str) -> str:
    """The address that logs `user` in, once, within EGX_LOGIN_LINK_SECONDS."""
    secret = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        LoginLink.objects.filter(Q(used_at__lt=now - LINKS_KEPT) | Q(expires_at__lt=now - LINKS_KEPT)).delete()
        LoginLink.objects.create(
            user=user,
            sha256=_sha256(secret),
            created_at=now,
            expires_at=now + timedelta(seconds=settings.EGX_LOGIN_LINK_SECONDS),
        )
        record(EventKind.LOGIN_LINK_ISSUED, f"user/{user.username}", by=by)
    return f"{settings.EGX_URL}/login/{secret}"


def use_link(secret: str) -> User | None:
    """Whom the link logs in, the first time it is used; None ever after, and for one that is unknown or expired."""
    now = timezone.now()
    good = LoginLink.objects.filter(sha256=_sha256(secret), used_at=None, expires_at__gt=now)
    with transaction.atomic():
        if not good.update(used_at=now):
            return None
        link = LoginLink.objects.select_related("user").get(sha256=_sha256(secret))
        record(EventKind.USER_LOGGED_IN, f"user/{link.user.username}", how="link")
    return link.user if link.user.is_active else None


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
