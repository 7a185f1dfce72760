"""The bodies that a worker runs."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from deployments.drivers import registry
from deployments.drivers.base import Driver
from deployments.drivers.docker.containers import Resources
from deployments.drivers.docker.settings import DockerSettings
from deployments.drivers.supporting import Supporter
from deployments.engine import catalog, executor
from deployments.engine.executor import Workshop
from deployments.engine.step import Means, Patience
from deployments.models import BUILDS, Operation
from egx_project.lib import images
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
        docker=docker_settings(),
    )


def docker_settings() -> DockerSettings:
    return DockerSettings(
        host=settings.EGX_DOCKER_HOST,
        gateway_image=images.parse(settings.ENVOY_GATEWAY_IMAGE).name,
        envoy_image=settings.EGX_ENVOY_IMAGE,
        files_image=settings.EGX_DOCKER_FILES_IMAGE,
        test_backend_image=settings.EGX_TEST_BACKEND_IMAGE,
        prometheus_image=settings.EGX_PROMETHEUS_IMAGE,
        prometheus_port=settings.EGX_PROMETHEUS_PORT,
        gateway_log_bytes=settings.EGX_GATEWAY_LOGS_MIB << 20,
        subnet=settings.EGX_DOCKER_SUBNET,
        volume_path=settings.EGX_DOCKER_VOLUME_PATH,
        reach=settings.EGX_DOCKER_REACH,
        log_level=settings.ENVOY_GATEWAY_LOG_LEVEL,
        access_log=settings.EGX_DOCKER_ACCESS_LOG,
        resources=Resources(
            cpu_request=settings.EGX_DOCKER_CPU_REQUEST,
            cpu_limit=settings.EGX_DOCKER_CPU_LIMIT,
            memory_request=settings.EGX_DOCKER_MEMORY_REQUEST,
            memory_limit=settings.EGX_DOCKER_MEMORY_LIMIT,
        ),
        healthy_seconds=settings.EGX_HEALTHY_SECONDS,
        settling_seconds=settings.EGX_SETTLING_SECONDS,
        drain_seconds=settings.EGX_DRAIN_SECONDS,
    )


def driver_of(target: Target) -> Driver:
    return registry.driver(target.kind, target.options, driver_settings())


def supporter_of(target: Target) -> Supporter:
    return registry.supporter(target.kind, target.options, driver_settings())


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
            absence=settings.EGX_ABSENCE_SECONDS,
            builds_kept=settings.EGX_BUILDS_KEPT,
        ),
    )


@shared_task(name="deployments.run_operation")
def run_operation(operation_id: int) -> None:
    """Take an operation up. A wake-up: late, doubled or for a finished one, it does nothing."""
    if Operation.objects.filter(pk=operation_id).exists():
        executor.run(operation_id, workshop())
