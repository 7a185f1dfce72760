"""What can happen."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    TARGET_ADDED = "target.added"
    TARGET_REMOVED = "target.removed"
    GATEWAY_CREATED = "gateway.created"
    GATEWAY_CHANGED = "gateway.changed"
    GATEWAY_APPLIED = "gateway.applied"
    GATEWAY_REMOVED = "gateway.removed"
    ROUTE_CREATED = "route.created"
    ROUTE_CHANGED = "route.changed"
    ROUTE_REMOVED = "route.removed"
    BACKEND_CREATED = "backend.created"
    BACKEND_CHANGED = "backend.changed"
    BACKEND_REMOVED = "backend.removed"
    OPERATION_QUEUED = "operation.queued"
    OPERATION_STARTED = "operation.started"
    OPERATION_STEP = "operation.step"
    OPERATION_TURNED_BACK = "operation.turned_back"
    OPERATION_CANCELLING = "operation.cancelling"
    OPERATION_FINISHED = "operation.finished"
    BUILD_PROGRESS = "build.progress"
    SLOT_CHANGED = "slot.changed"
    CHANNEL_ASKED = "channel.asked"
    RELEASE_FOUND = "release.found"
    RELEASE_QUARANTINED = "release.quarantined"
    QUARANTINE_LIFTED = "release.quarantine_lifted"
    UPDATE_AVAILABLE = "update.available"
    POLICY_CHANGED = "policy.changed"
    SOAK_BEGUN = "soak.begun"
    SOAK_JUDGED = "soak.judged"
    SOAK_OVER = "soak.over"
    BACKUP_MADE = "backup.made"
    BACKUP_REMOVED = "backup.removed"
    BACKUP_DRILLED = "backup.drilled"
    INSTANCE_RESTORED = "instance.restored"
    ENGINE_REVIVED = "engine.revived"
    TOKEN_CREATED = "token.created"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    LOGIN_LINK_ISSUED = "user.login_link"
    USER_LOGGED_IN = "user.logged_in"
