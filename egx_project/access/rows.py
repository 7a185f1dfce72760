"""Rows that only services write, as the admin shows them: for reading, with actions that call a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import yaml
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from egx_project.access.roles import Action, may
from egx_project.lib.errors import EgxError

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

Row = TypeVar("Row", bound=Model)


class Permitted:
    """What Django asks about a model, answered from the one permission map: nothing is added, changed or deleted."""

    seen_with: ClassVar[Action] = Action.VIEW

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, self.seen_with)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, self.seen_with)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Of actions that say `permissions=["operate"]`."""
        return may(request.user, Action.CHANGE)

    def has_administer_permission(self, request: HttpRequest) -> bool:
        """Of actions that say `permissions=["administer"]`."""
        return may(request.user, Action.ADMINISTER)


class Rows(Permitted, ModelAdmin):
    """A model. `fields` says what is shown of a row, so that what is secret is shown only by being named."""

    list_per_page = 50
    # Either would count all rows, however many, beside those that are shown.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ANN401, ARG002
        return flatten(self.fields or ()) if obj else ()

    def do_to_each(self, request: HttpRequest, rows: Iterable[Row], do: Callable[[Row], str]) -> None:
        """Call a service for each row, and say how each call went; one that is refused stops no other."""
        for row in rows:
            try:
                said = do(row)
            except EgxError as error:
                self.message_user(request, f"{row}: {error}", messages.ERROR)
            else:
                self.message_user(request, said, messages.SUCCESS)


class Lines(Permitted, TabularInline):
    """Rows that belong to the one that is shown."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ANN401, ARG002
        return self.fields or ()


def as_yaml(field: str) -> Any:  # noqa: ANN401  a callable, which Django takes in `fields` but its stubs do not know
    """A JSON field as its author would have written it."""

    @admin.display(description=field)
    def shown(row: Any) -> SafeString:  # noqa: ANN401
        value = getattr(row, field)
        if not value:
            return SafeString("-")
        return format_html("<pre>{}</pre>", yaml.safe_dump(value, sort_keys=False, allow_unicode=True))

    shown.__name__ = f"{field}_as_yaml"
    return shown
