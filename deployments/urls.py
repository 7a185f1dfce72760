from __future__ import annotations

from django.urls import path

from deployments.api import gateways, manifests, operations

urlpatterns = [
    path("gateways", gateways.Gateways.as_view()),
    path("gateways/<str:name>", gateways.OneGateway.as_view()),
    path("gateways/<str:name>/plan", gateways.GatewayPlan.as_view()),
    path("apply", manifests.Apply.as_view()),
    path("delete", manifests.Delete.as_view()),
    path("operations", operations.Operations.as_view()),
    path("operations/<int:pk>", operations.OneOperation.as_view()),
    path("operations/<int:pk>/cancel", operations.Cancel.as_view()),
    path("operations/<int:pk>/resume", operations.Resume.as_view()),
]
