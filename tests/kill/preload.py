"""Loaded once by the fork server, so that each worker process starts in milliseconds."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "egx_project.settings.test"

import django

django.setup()

import deployments.drivers.docker.driver  # noqa: E402
import deployments.drivers.fake  # noqa: E402
import deployments.drivers.process.driver  # noqa: E402
import deployments.services  # noqa: E402, F401
