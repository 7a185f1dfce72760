from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest

from egx_project.access.models import ApiToken, LoginLink
from egx_project.access.roles import Action, Role, may
from egx_project.access.rows import Rows, as_yaml
from egx_project.access.services import revoke_token
from egx_project.events.kinds import EventKind
from egx_project.events.models import Event
from egx_project.lib.errors import ConflictError
from egx_project.rest.models import Answer

if TYPE_CHECKING:
    StockUserAdmin = UserAdmin[User]
else:
    StockUserAdmin = UserAdmin

admin.site.unregister((User, Group))


class ForAdministrators:
    """Django's own pages, for those who may administer; Django's permission rows are not asked."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Action.ADMINISTER)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.ADMINISTER)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Action.ADMINISTER)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.ADMINISTER)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401, ARG002
        return may(request.user, Action.ADMINISTER)


@admin.register(User)
class Users(ForAdministrators, StockUserAdmin):
    """Without the fields that EGX does not ask: staff, and single permissions."""

    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What they may", {"fields": ("is_active", "groups", "is_superuser")}),
        ("When", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")


@admin.register(Group)
class Groups(ForAdministrators, GroupAdmin):
    """The groups of the roles stay as they are: a role is its group's name."""

    fields = ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return not _is_role(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return not _is_role(obj) and super().has_delete_permission(request, obj)


def _is_role(group: Group | None) -> bool:
    return group is not None and group.name in Role.values


@admin.register(ApiToken)
class ApiTokens(Rows):
    """Anybody's own tokens; an admin sees all."""

    list_display = ("name", "user", "role", "start", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("role", ("revoked_at", admin.EmptyFieldListFilter), "created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "start")
    fields = list_display
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        return (
            tokens
            if may(request.user, Action.ADMINISTER)
            else tokens.filter(user__username=request.user.get_username())
        )

    @admin.action(description="Revoke", permissions=["administer"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        def end(token: ApiToken) -> str:
            if token.revoked_at:  # another may have its name by now
                raise ConflictError("it is revoked already")
            revoke_token(name=token.name, by=str(request.user), user=token.user)
            return f"token {token.name} of {token.user} is revoked"

        self.do_to_each(request, queryset.select_related("user"), end)


@admin.register(LoginLink)
class LoginLinks(Rows):
    seen_with = Action.ADMINISTER
    list_display = ("user", "created_at", "expires_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "created_at", "expires_at", "used_at")


class OfKind(admin.SimpleListFilter):
    """The kinds there are, and not those of all the rows: there are many rows."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401, ARG002
        return [(str(kind), str(kind)) for kind in EventKind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:  # noqa: ARG002
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Event)
class Events(Rows):
    """Here, as `egx_project.events` is below and knows no roles."""

    list_display = ("number", "at", "kind", "subject", "operation")
    list_filter = (OfKind, "at")
    search_fields = ("subject", "number__exact", "operation__exact")
    search_help_text = "a part of the subject, or the number of an event or of an operation"
    ordering: ClassVar = ["-number"]
    fields = (*list_display, as_yaml("data"))


@admin.register(Answer)
class Answers(Rows):
    """Without the bodies: those were for who asked. Here for the same reason."""

    list_display = ("key", "who", "status", "at")
    list_filter = ("status", "at")
    search_fields = ("key", "who")
    fields = ("key", "who", "request_sha256", "status", "at")
