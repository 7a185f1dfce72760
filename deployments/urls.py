from __future__ import annotations

from django.urls import path, register_converter

from deployments.api import (
    builds,
    containers,
    gateways,
    logs,
    manifests,
    operations,
    routes,
    support,
    targets,
)
from egx_project.rest.converters import RowNumber

register_converter(RowNumber, "number")

urlpatterns = [
    path("targets", targets.Targets.as_view()),
    path("targets/<str:name>", targets.OneTarget.as_view()),
    path("services", support.Services.as_view()),
    path("services/<str:target>/<str:name>", support.OneService.as_view()),
    path("gateways", gateways.Gateways.as_view()),
    path("gateways/<str:name>", gateways.OneGateway.as_view()),
    path("gateways/<str:name>/logs", logs.GatewayLogs.as_view()),
    path("routes", routes.Routes.as_view()),
    path("routes/<str:kind>/<str:name>", routes.OneRoute.as_view()),
    path("backends", routes.Backends.as_view()),
    path("backends/<str:kind>/<str:name>", routes.OneBackend.as_view()),
    path("containers", containers.Containers.as_view()),
    path("containers/<path:name>/expose", containers.Expose.as_view()),
    path("apply", manifests.Apply.as_view()),
    path("delete", manifests.Delete.as_view()),
    path("builds", builds.Builds.as_view()),
    path("builds/<number:pk>", builds.OneBuild.as_view()),
    path("builds/<number:pk>/log", builds.BuildLog.as_view()),
    path("operations", operations.Operations.as_view()),
    path("operations/<number:pk>", operations.OneOperation.as_view()),
    path("operations/<number:pk>/cancel", operations.Cancel.as_view()),
    path("operations/<number:pk>/resume", operations.Resume.as_view()),
]
