"""How EGX reaches others. Proxies are those of the environment: HTTPS_PROXY and NO_PROXY."""

from __future__ import annotations

from egx_project.lib import trust
from egx_project.settings.core import env

EGX_CA_BUNDLE = env.str("EGX_CA_BUNDLE", default="")
"""A PEM file with CAs, such as a company's own, that are believed beside the system's."""

trust.also(EGX_CA_BUNDLE)
