"""A row of every model, and people of every role to look at them."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deployments.engine import queueing
from deployments.models import Build, Operation, OperationKind, SupportService
from egx_project.access import people, services
from egx_project.access.models import ApiToken, LoginLink
from egx_project.access.roles import Role
from egx_project.rest.models import Answer
from gateways.models import Gateway, Policy, Target
from tests import builders
from updates import ledger
from updates.channels.base import Sighting
from updates.models import Soak
from updates.services import backups, logins, releases

HOSTILE = "<script>alert('x')</script>"
FOR_ADMINS = {"user", "group", "loginlink", "registrylogin"}
MODELS = sorted((model for model in site._registry), key=lambda model: model._meta.label)


def everything() -> Gateway:
    """A gateway that serves, and with it a row of each registered model."""
    gateway = builders.serve_gateway(target=builders.fake_target())
    Policy.objects.create(kind="BackendTrafficPolicy", api_version="gateway.envoyproxy.io/v1alpha1", name="slow")
    Answer.objects.create(key="k", request_sha256="0" * 64, status=202, body="{}")
    changes_of(gateway, "1.41.0")
    services.create_token(user=people.owner(), name="owners", role=Role.VIEWER, lifetime=timedelta(days=1), by="tester")
    services.issue_link(user=people.owner(), by="tester")
    logins.set_login(registry="docker.io", username="ann", password="not shown", by="tester")
    ledger.note("envoy-gateway", [Sighting("docker.io/envoyproxy/gateway", "v1.9.0", "sha256:" + "0" * 64)])
    SupportService.objects.create(target=gateway.target, name="test-backend", problem=HOSTILE)
    return gateway


def a_build(target: Target) -> Build:
    """A build of an image that waits."""
    options = {
        "source": {"folder": "/srv/app", "url": "", "ref": "", "below": ""}, "file": "Dockerfile", "platforms": [],
        "arguments": {}, "version": "", "push": False, "largest": 0, "labels": [],
    }  # fmt: skip
    matter = queueing.Matter(subject="build/app:web 1", key="bd-1", target=target)
    with transaction.atomic():
        row = queueing.add_about(matter, OperationKind.BUILD, by="tester", options=options)
    return Build.objects.get(pk=row.pk)


def changes_of(gateway: Gateway, version: str) -> None:
    """What the gateway's changes leave: a release that failed in its soak, a backup and a policy."""
    builders.offer(version)
    releases.quarantine(channel="envoy", version=version, reason="it fails", by="tester")
    builders.set_policy(gateway, mode="auto")
    backups.back_up(gateway=gateway, by="tester")
    now = timezone.now()
    Soak.objects.create(
        gateway=gateway, operation=Operation.objects.filter(gateway=gateway).latest("pk"), new_version=version,
        switched_at=now, ends_at=now, warm_until=now,
    )  # fmt: skip


def more(first: int, last: int) -> None:
    """Gateways with routes, an operation each, and what else grows in numbers."""
    target = Target.objects.get()
    for n in range(first, last):
        text = builders.gateway_yaml(f"g{n}", ports=(9000 + n,)) + builders.route_yaml(f"r{n}", gateway=f"g{n}")
        changes_of(builders.serve_gateway(target=target, text=text), f"1.{n}.0")
        user = User.objects.create_user(f"user{n}")
        user.groups.add(people.group(Role.VIEWER))
        services.create_token(user=user, name=f"t{n}", role=Role.VIEWER, lifetime=timedelta(days=1), by="tester")
        services.issue_link(user=user, by="tester")
        ledger.note("envoy-gateway", [Sighting("docker.io/envoyproxy/gateway", f"v1.9.{n}", "sha256:" + "0" * 64)])
        logins.set_login(registry=f"r{n}.example", username="ann", password="not shown", by="tester")
        SupportService.objects.create(target=target, name=f"s{n}")
        Answer.objects.create(key=f"k{n}", request_sha256="0" * 64, status=202, body="{}")
        Policy.objects.create(kind="SecurityPolicy", api_version="gateway.envoyproxy.io/v1alpha1", name=f"p{n}")


def person(role: Role | None, name: str = "ann") -> User:
    user = User.objects.create_user(name)
    if role is not None:
        user.groups.add(people.group(role))
    return user


def browser(role: Role | None) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def may_see(role: Role, model: type[Model]) -> bool:
    return role == Role.ADMIN or model._meta.model_name not in FOR_ADMINS


def rows_of(model: type[Model], role: Role) -> Any:
    """The rows that a person of the role is shown."""
    rows = model._default_manager.order_by("pk")
    return rows.none() if model is ApiToken and role != Role.ADMIN else rows


def act(client: Client, action: str, *rows: Model, **more: str) -> str:
    """Do an action on rows of one model; the page that follows, as a person reads it."""
    form = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    answer = client.post(address(type(rows[0]), "changelist"), form, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


SECRETS = (ApiToken, LoginLink)
