"""States and times, the same on every page."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateways.spec.containers import short

register = template.Library()


@register.simple_tag
def state(name: str) -> SafeString:
    """A state's word; its colour and shape come by CSS."""
    return format_html('<span class="state" data-state="{}">{}</span>', name, name.replace("_", " "))


@register.filter
def container_path(identity: str) -> str:
    """The path that a container is offered at."""
    return short(identity.rpartition("/")[2], 40)


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """A point in time, in UTC."""
    shown = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return format_html('<time datetime="{}">{} UTC</time>', at.isoformat(), shown)


@register.simple_tag
def clock(at: datetime) -> SafeString:
    """The time of day of something whose day is said elsewhere, in UTC."""
    at = at.astimezone(UTC)
    shown = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d} UTC", shown)
