from __future__ import annotations

from django.contrib import admin

from egx_project.access.rows import Rows, as_yaml
from updates.models import Soak


@admin.register(Soak)
class Soaks(Rows):
    list_display = ("gateway", "state", "old_version", "new_version", "switched_at", "judged_at", "over_at")
    list_filter = ("state", ("over_at", admin.EmptyFieldListFilter), "switched_at")
    list_select_related = ("gateway",)
    search_fields = ("gateway__name", "new_version", "reason")
    fields = (
        "gateway",
        "operation",
        "state",
        "reason",
        ("old_slot", "old_version"),
        ("new_slot", "new_version", "new_digest"),
        "channel",
        as_yaml("baseline"),
        as_yaml("seen"),
        as_yaml("limits"),
        as_yaml("since"),
        ("switched_at", "ends_at", "judged_at"),
        ("warm_until", "drain_until", "over_at"),
    )
