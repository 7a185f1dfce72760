from __future__ import annotations

from django.urls import path

from updates.api import backups, changes, policies, registries, releases

urlpatterns = [
    path("gateways/<str:name>/plan", changes.GatewayPlan.as_view()),
    path("gateways/<str:name>/update", changes.Update.as_view()),
    path("gateways/<str:name>/rollback", changes.Rollback.as_view()),
    path("gateways/<str:name>/soak", changes.GatewaySoak.as_view()),
    path("gateways/<str:name>/policy", policies.Policy.as_view()),
    path("gateways/<str:name>/backup", backups.BackUp.as_view()),
    path("backups", backups.Backups.as_view()),
    path("backups/upload", backups.Upload.as_view()),
    path("backups/<str:key>", backups.OneBackup.as_view()),
    path("backups/<str:key>/download", backups.Download.as_view()),
    path("backups/<str:key>/verify", backups.Verify.as_view()),
    path("backups/<str:key>/restore", backups.Restore.as_view()),
    path("registries", registries.Registries.as_view()),
    path("registries/<str:registry>", registries.OneRegistry.as_view()),
    path("releases", releases.Releases.as_view()),
    path("channels", releases.Channels.as_view()),
    path("channels/<str:channel>/check", releases.Check.as_view()),
    path("channels/<str:channel>/releases/<str:version>/accepted", releases.Accepted.as_view()),
    path("channels/<str:channel>/releases/<str:version>/quarantine", releases.Quarantined.as_view()),
]
