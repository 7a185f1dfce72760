"""Django in this process, for commands that work on the rows themselves."""

from __future__ import annotations

import os


def set_up_django() -> None:
    """It reads the settings, and so the environment."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "egx_project.settings.main")
    django.setup()
