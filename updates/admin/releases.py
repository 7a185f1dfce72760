"""Channels, what they offer, and what of it is put away."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from egx_project.access.rows import Rows
from egx_project.lib.errors import ConflictError
from updates import ledger
from updates.admin.asking import CONFIRMED, Line, ask_first
from updates.models import ChannelCheck, Quarantine, Release, SeenDigest
from updates.quarantine import lift
from updates.services import checks, releases


def lifted(row: Release | Quarantine, *, by: str) -> str:
    lift(channel=row.channel, version=row.version, by=by)
    return f"{row.channel} {row.version} may be used again"


@admin.register(Release)
class Releases(Rows):
    list_display = (
        "version",
        "channel",
        "published_at",
        "yanked",
        "moved_from",
        "is_in_quarantine",
        "digest",
        "signature",
    )
    list_filter = ("channel", "yanked", "published_at")
    search_fields = ("version", "digest", "sha256")
    fields = ("channel", "version", "published_at", "yanked", "notes", "notes_url", "url", "sha256", "size", "digest",
              "moved_from", "signature", "signature_reason", "seen_at")  # fmt: skip
    actions = ("quarantine", "lift", "accept")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:  # noqa: ARG002
        return releases.ordered()

    def get_ordering(self, request: HttpRequest) -> Any:  # noqa: ANN401, ARG002
        """By version, as `ordered` has it: as text 1.9 would be newer than 1.10."""
        return ("channel", "place")

    @admin.display(boolean=True, description="quarantine")
    def is_in_quarantine(self, release: Release) -> bool:
        return releases.quarantine_of(release) is not None

    @admin.action(description="Quarantine…", permissions=["operate"])
    def quarantine(self, request: HttpRequest, queryset: QuerySet[Release]) -> HttpResponse | None:
        if CONFIRMED not in request.POST:
            return ask_first(
                self,
                request,
                [Line(release) for release in queryset],
                action="quarantine",
                title="Put in quarantine?",
                meaning="Nothing puts these versions to use any more, until somebody lifts it. What runs them goes on.",
                wants_reason=True,
            )

        def put_away(release: Release) -> str:
            if releases.quarantine_of(release):
                raise ConflictError("it is in quarantine already")
            releases.quarantine(
                channel=release.channel,
                version=release.version,
                reason=request.POST.get("reason", ""),
                by=str(request.user),
            )
            return f"{release} is in quarantine"

        self.do_to_each(request, queryset, put_away)
        return None

    @admin.action(description="Lift the quarantine", permissions=["operate"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Release]) -> None:
        self.do_to_each(request, queryset, lambda row: lifted(row, by=str(request.user)))

    @admin.action(description="Accept where the tag has moved to", permissions=["operate"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Release]) -> None:
        def accept_one(release: Release) -> str:
            if not release.moved_from:
                raise ConflictError("its tag has not moved")
            by = str(request.user)
            ledger.accept(channel=release.channel, version=release.version, digest=release.pinned, by=by)
            return f"{release} with digest {release.pinned} is accepted"

        self.do_to_each(request, queryset, accept_one)


@admin.register(SeenDigest)
class Ledger(Rows):
    list_display = ("tag", "digest", "repository", "accepted", "first_seen", "last_seen")
    list_filter = ("channel", "accepted")
    search_fields = ("tag", "digest", "repository")
    fields = ("channel", "repository", "tag", "digest", "accepted", "accepted_by", "first_seen", "last_seen")


@admin.register(Quarantine)
class Quarantines(Rows):
    list_display = ("version", "channel", "reason", "operation", "at")
    list_filter = ("channel", "at")
    search_fields = ("version", "reason", "digest")
    fields = ("channel", "version", "digest", "reason", "operation", "at")
    actions = ("lift",)

    @admin.action(description="Lift the quarantine", permissions=["operate"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Quarantine]) -> None:
        self.do_to_each(request, queryset, lambda row: lifted(row, by=str(request.user)))


@admin.register(ChannelCheck)
class Channels(Rows):
    list_display = ("channel", "asked_at", "answered_at", "problem")
    fields = list_display
    actions = ("check_now",)

    @admin.action(description="Check now", permissions=["operate"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[ChannelCheck]) -> None:
        def ask(row: ChannelCheck) -> str:
            now = checks.check(row.channel)
            if now.problem:
                raise ConflictError(f"it cannot say what there is: {now.problem}")
            return f"channel {row.channel} was asked"

        self.do_to_each(request, queryset, ask)
