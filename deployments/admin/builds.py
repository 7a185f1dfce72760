"""Builds, as the operations that they are; adding one asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments import builds
from deployments.admin.operations import Operations
from deployments.builds import Wish
from deployments.drivers.registry import BUILDERS
from deployments.drivers.sources import Source
from deployments.models import Build, Operation
from egx_project.access.roles import Action, may
from egx_project.lib.errors import EgxError
from gateways.models import Target

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Build]
else:
    ModelForm = forms.ModelForm

ASKED = ("name", "source", "file", "version", "platforms", "arguments", "labels", "largest", "push", "on")
LOG = "/api/v1/builds/{}/log"


class NewBuild(ModelForm):
    """What `egx build` takes, a line each where there may be several."""

    name = forms.CharField(max_length=builds.LONGEST_NAME, help_text="such as registry.example.org/team/app:1.0")
    source = forms.CharField(max_length=2000, help_text="a Git URL (URL#REF:FOLDER), or a folder that is given free")
    file = forms.CharField(initial="Dockerfile", max_length=500)
    version = forms.CharField(required=False, max_length=128, help_text="becomes the build argument VERSION")
    platforms = forms.CharField(required=False, help_text="such as linux/arm64; separated by spaces")
    arguments = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="NAME=VALUE")
    labels = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="that it must have: NAME or NAME=VALUE"
    )
    largest = forms.IntegerField(required=False, min_value=0, help_text="bytes that it may have; 0 for any")
    push = forms.BooleanField(required=False, help_text="into the registry that its name says")
    on = forms.ModelChoiceField(Target.objects.filter(kind__in=BUILDERS), required=False, label="target")
    by = ""
    queued: Operation

    class Meta:
        model = Build
        fields = ()

    def clean(self) -> dict[str, Any]:
        """Asking for it is what judges it: what is refused has left nothing."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.queued = builds.request_build(wish=self._wish(cleaned), by=self.by)
            except EgxError as error:
                raise ValidationError(str(error)) from None
        return cleaned

    def _wish(self, given: dict[str, Any]) -> Wish:
        pairs = [line.partition("=") for line in _lines(given["arguments"])]
        return Wish(
            name=given["name"],
            source=given["source"],
            file=given["file"],
            version=given["version"],
            platforms=given["platforms"].split(),
            arguments={name: value for name, _, value in pairs},
            labels=_lines(given["labels"]),
            largest=given["largest"],
            push=given["push"],
            target=given["on"].name if given["on"] else "",
        )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@admin.register(Build)
class Builds(Operations):
    list_display = ("number", "name", "source", "target", "state", "requested_by", "created_at", "finished_at")
    list_filter = ("state", "target", "created_at")
    fields = ("log", *Operations.fields)
    form = NewBuild

    def source(self, build: Build) -> str:
        return str(Source.of(build.options["source"]))

    def log(self, build: Build) -> SafeString:
        return format_html('<a href="{}">what it says</a>', LOG.format(build.pk))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.CHANGE)

    def get_fields(self, request: HttpRequest, obj: Build | None = None) -> Any:  # noqa: ANN401
        return super().get_fields(request, obj) if obj else ASKED

    def get_inlines(self, request: HttpRequest, obj: Build | None) -> Any:  # noqa: ANN401, ARG002
        return self.inlines if obj else ()

    def get_form(self, request: HttpRequest, obj: Build | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: ANN401, FBT001, FBT002
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.by = str(request.user)
        return form

    def save_model(self, request: HttpRequest, obj: Build, form: Any, change: bool) -> None:  # noqa: ANN401, ARG002, FBT001
        obj.pk = form.queued.pk
        obj.refresh_from_db()
