"""Here, and not with the rows' own app: which runtimes there are is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.validators import RegexValidator
from django.http import HttpRequest

from deployments.drivers.registry import DRIVERS
from deployments.targets import add_target
from egx_project.access.roles import Action, may
from egx_project.access.rows import Rows, as_yaml
from gateways.models import Target, TargetKind
from gateways.spec.base import DNS_LABEL

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Target]
else:
    ModelForm = forms.ModelForm


class NewTarget(ModelForm):
    name = forms.CharField(
        max_length=63,
        validators=[RegexValidator(rf"\A{DNS_LABEL.pattern}\Z", "take lower-case letters, digits and hyphens")],
    )
    kind = forms.ChoiceField(choices=[choice for choice in TargetKind.choices if choice[0] in DRIVERS])
    node = forms.CharField(required=False, max_length=253, help_text="whose workers reach it; empty: any node's")

    class Meta:
        model = Target
        fields = ("name", "kind", "node")


@admin.register(Target)
class Targets(Rows):
    list_display = ("name", "kind", "node")
    list_filter = ("kind", "node")
    search_fields = ("name", "node")
    fields = ("name", "kind", "node", as_yaml("options"))
    form = NewTarget

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.ADMINISTER)

    def get_fields(self, request: HttpRequest, obj: Target | None = None) -> Any:  # noqa: ANN401
        return super().get_fields(request, obj) if obj else NewTarget.Meta.fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002
        return {"kind": TargetKind.PROCESS, "node": settings.EGX_NODE}

    def save_model(self, request: HttpRequest, obj: Target, form: Any, change: bool) -> None:  # noqa: ANN401, ARG002, FBT001
        obj.pk = add_target(name=obj.name, kind=TargetKind(obj.kind), node=obj.node).pk
