"""Channels as this installation has set them."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from deployments.drivers import logins
from updates.channels import registry
from updates.channels.base import Channel
from updates.channels.oci.channel import RegistryChannel
from updates.channels.oci.signatures import Key, load_key


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


def gateway_images(image: str) -> RegistryChannel:
    """The channel of this image, be it the one that is set or the one that was when something was asked for."""
    return registry.gateway_images(replace(sources(), image=image))


def signature_key() -> Key | None:
    """By which images must be signed; None where nobody has named one. Raises BadInputError."""
    return load_key(settings.EGX_SIGNATURE_KEY) if settings.EGX_SIGNATURE_KEY else None
