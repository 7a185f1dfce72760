from __future__ import annotations

from django.urls import path

from monitoring.views import (
    applying,
    changing,
    containers,
    gateways,
    health,
    history,
    operations,
    overview,
    releases,
    services,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("gateways/<str:namespace>/<str:name>", gateways.gateway, name="gateway"),
    path("gateways/<str:namespace>/<str:name>/remove", gateways.remove, name="remove"),
    path("gateways/<str:namespace>/<str:name>/update", changing.update, name="update"),
    path("gateways/<str:namespace>/<str:name>/rollback", changing.roll_back, name="rollback"),
    path("gateways/<str:namespace>/<str:name>/history", history.history, name="history"),
    path("backups/<str:key>/restore", changing.restore, name="restore"),
    path("releases", releases.releases, name="releases"),
    path("channels/<str:channel>/check", releases.check, name="check"),
    path("releases/<str:channel>/<path:version>/quarantine", releases.quarantine, name="quarantine"),
    path("releases/<str:channel>/<path:version>/accept", releases.accept, name="accept"),
    path("releases/<str:channel>/<path:version>/lift", releases.lift, name="lift"),
    path("containers", containers.containers, name="containers"),
    path("containers/<path:name>/expose", containers.expose, name="expose"),
    path("containers/<path:name>/unexpose", containers.unexpose, name="unexpose"),
    path("services", services.services, name="services"),
    path("services/<str:target>/<str:name>/on", services.switch_on, name="switch-on"),
    path("services/<str:target>/<str:name>/off", services.switch_off, name="switch-off"),
    path("operations", operations.operations, name="operations"),
    path("operations/<int:pk>", operations.operation, name="operation"),
    path("operations/<int:pk>/cancel", operations.cancel, name="cancel"),
    path("operations/<int:pk>/resume", operations.resume, name="resume"),
    path("apply", applying.apply, name="apply"),
    path("health", health.seed_health),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
