"""The bodies that a worker runs."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from deployments.drivers import registry
from deployments.drivers.base import Driver
from deployments.engine import catalog, executor
from deployments.engine.executor import Workshop
from deployments.engine.step import Means, Patience
from deployments.models import BUILDS, Operation
from egx_project.lib.clock import SystemClock
from gateways.models import Target


def driver_settings() -> registry.DriverSettings:
    return registry.DriverSettings(
        data_dir=settings.EGX_DATA_DIR,
        bind_address=settings.EGX_BIND_ADDRESS,
        envoy_binary=settings.EGX_ENVOY_BINARY,
        envoy_concurrency=settings.EGX_ENVOY_CONCURRENCY,
        package_index=settings.EGX_PACKAGE_INDEX,
        buildx=settings.EGX_BUILDX,
    )


def driver_of(target: Target) -> Driver:
    return registry.driver(target.kind, target.options, driver_settings())


def means_of(operation: Operation) -> Means:
    """What the operation's effects go through, on its target."""
    if operation.kind in BUILDS:
        return registry.builder(operation.target.kind, operation.target.options, driver_settings())
    return driver_of(operation.target)


def workshop() -> Workshop:
    return Workshop(
        plan=catalog.plan,
        steps=catalog.STEPS,
        driver_for=means_of,
        clock=SystemClock(),
        patience=Patience(
            healthy=settings.EGX_HEALTHY_SECONDS,
            steady=settings.EGX_STEADY_SECONDS,
            baseline=settings.EGX_BASELINE_SECONDS,
            settling=settings.EGX_SETTLING_SECONDS,
            drain=settings.EGX_DRAIN_SECONDS,
            builds_kept=settings.EGX_BUILDS_KEPT,
        ),
    )


@shared_task(name="deployments.run_operation")
def run_operation(operation_id: int) -> None:
    """Take an operation up. A wake-up: late, doubled or for a finished one, it does nothing."""
    if Operation.objects.filter(pk=operation_id).exists():
        executor.run(operation_id, workshop())
