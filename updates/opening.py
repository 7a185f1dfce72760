"""Channels as this installation has set them."""

from __future__ import annotations

from django.conf import settings

from deployments.drivers import logins
from updates.channels import registry
from updates.channels.base import Channel
from updates.channels.oci.channel import RegistryChannel


def sources() -> registry.Sources:
    return registry.Sources(
        cache=settings.EGX_DATA_DIR / "channels",
        index=settings.EGX_PACKAGE_INDEX,
        own_index=settings.EGX_OWN_INDEX,
        image=settings.ENVOY_GATEWAY_IMAGE,
        login=logins.find,
    )


def channel(name: str) -> Channel:
    """Raises KeyError for a name that is none, and EgxError where the settings do not say enough."""
    return registry.channel(name, sources())


def gateway_images() -> RegistryChannel:
    return registry.gateway_images(sources())
