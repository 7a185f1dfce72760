"""How gateways' engines may change: the one thing here that is written by hand, and the service judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from egx_project.access.roles import Action, may
from egx_project.access.rows import Rows
from egx_project.lib.errors import BadInputError
from updates.channels.registry import ENGINES, ENVOY
from updates.models import UpdatePolicy
from updates.services.policies import check_policy, set_policy

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[UpdatePolicy]
else:
    ModelForm = forms.ModelForm


class PolicyForm(ModelForm):
    channel = forms.ChoiceField(choices=[(name, name) for name in ENGINES], initial=ENVOY)

    class Meta:
        model = UpdatePolicy
        fields = "__all__"
        help_texts = {
            "versions": "a range, such as >=1.38,<1.41; empty for all",
            "skip_minor": "how many minor versions one update may go up at most",
            "window_days": "such as mon,tue; empty for every day",
            "window_start": "updates by themselves begin only from here …",
            "window_minutes": "… for so long; 0 for the whole day",
            "cool_down_hours": "a release younger than this is not put in by itself",
            "rollback": "a bad soak brings the old engine back",
            "soak_requests": "with fewer there is no verdict, unless EGX's own probes give one",
            "soak_failures_percent": "more requests that the engine fails than this, beyond what it was, are bad",
            "warm_seconds": "how long the old engine runs on after the switch",
            "drain_seconds": "how long WebSockets and streams may stay on it; empty: until the last one ends",
            "drill": "before an update its backup is restored beside what serves, and must answer as that does",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            own = {"gateway": self.instance.gateway} if self.instance.pk else {}  # there it is not in the form
            try:
                check_policy(UpdatePolicy(**own, **cleaned))
            except BadInputError as error:
                raise ValidationError(str(error)) from None
        return cleaned


@admin.register(UpdatePolicy)
class Policies(Rows):
    list_display = ("gateway", "mode", "channel", "versions", "rollback", "warm_seconds", "changed_at")
    list_filter = ("mode", "channel", "rollback")
    list_select_related = ("gateway",)
    search_fields = ("gateway__name", "versions")
    fieldsets = (
        (None, {"fields": ("gateway", "mode", "channel", "versions", "prereleases", "skip_minor", "check_seconds")}),
        ("When by itself", {"fields": ("window_days", ("window_start", "window_minutes", "window_zone"),
                                       "cool_down_hours")}),
        ("How it proves itself", {"fields": ("rollback", ("soak_seconds", "soak_requests"), "soak_failures_percent",
                                             ("soak_latency_factor", "soak_latency_ms"))}),
        ("How long the old engine stays", {"fields": ("warm_seconds", "drain_seconds")}),
        ("What is kept and asked for", {"fields": ("keep_backups", "drill", "signatures")}),
    )  # fmt: skip
    form = PolicyForm

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.CHANGE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.CHANGE)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ANN401, ARG002
        """A policy stays with its gateway."""
        return ("gateway",) if obj else ()

    def save_model(self, request: HttpRequest, obj: UpdatePolicy, form: Any, change: bool) -> None:  # noqa: ANN401, ARG002, FBT001
        wanted = {field: value for field, value in form.cleaned_data.items() if field != "gateway"}
        obj.pk = set_policy(gateway=obj.gateway, changes=wanted, by=str(request.user)).pk
