"""Gateways in Docker."""

from __future__ import annotations

from egx_project.settings.core import env

EGX_DOCKER_TARGET = "docker"
"""The target of this host's Docker Engine."""

EGX_DOCKER_HOST = env.str("EGX_DOCKER_HOST", default="") or env.str("DOCKER_HOST", default="")
"""Where the Engine listens; empty: as the `docker` command finds it."""

EGX_ENVOY_IMAGE = env.str("EGX_ENVOY_IMAGE", default="")
"""The image of the Envoy that Envoy Gateway drives, without a tag; empty: `envoy` beside ENVOY_GATEWAY_IMAGE."""

EGX_DOCKER_FILES_IMAGE = env.str("EGX_DOCKER_FILES_IMAGE", default="docker.io/library/busybox:1.36")
"""A small image with a shell, for writing into the volume where EGX cannot do it itself."""

EGX_DOCKER_SUBNET = env.str("EGX_DOCKER_SUBNET", default="")
"""Of EGX's network; empty: the first of 10.213.0.0/16 to 10.249.0.0/16 that is free."""

EGX_DOCKER_VOLUME_PATH = env.str("EGX_DOCKER_VOLUME_PATH", default="")
"""Where EGX has its volume mounted; empty: it finds out; `none`: it writes by a container."""

EGX_DOCKER_REACH = env.str("EGX_DOCKER_REACH", default="auto")
"""How EGX reaches into its network: `direct`, by a small container (`door`), or as it finds out (`auto`)."""

EGX_DOCKER_CPU_REQUEST = env.float("EGX_DOCKER_CPU_REQUEST", default=0.1)
"""CPUs that an engine's container gets for certain, where they are short."""

EGX_DOCKER_CPU_LIMIT = env.float("EGX_DOCKER_CPU_LIMIT", default=0.0)
"""CPUs that it gets at most; 0 is no limit. Half a CPU makes each change take twice as long."""

EGX_DOCKER_MEMORY_REQUEST = env.int("EGX_DOCKER_MEMORY_REQUEST", default=128)
"""MiB that it keeps where memory is short."""

EGX_DOCKER_MEMORY_LIMIT = env.int("EGX_DOCKER_MEMORY_LIMIT", default=512)
"""MiB that it gets at most; 0 is no limit."""

ENVOY_GATEWAY_LOG_LEVEL = env.str("ENVOY_GATEWAY_LOG_LEVEL", default="info")
"""Of Envoy Gateway: debug, info, warn or error. Statuses are in its log, so that warn and error hide refusals."""

EGX_DOCKER_ACCESS_LOG = env.bool("EGX_DOCKER_ACCESS_LOG", default=True)
"""Whether each request is a line of JSON in its engine's container log, of which 30 MB are kept."""

EGX_TEST_BACKEND_IMAGE = env.str("EGX_TEST_BACKEND_IMAGE", default="docker.io/egx/test-backend:latest")
"""The image of the support service `test-backend`."""

EGX_PROMETHEUS_IMAGE = env.str("EGX_PROMETHEUS_IMAGE", default="docker.io/prom/prometheus:v3.5.0")
"""The image of the support service `prometheus`."""

EGX_PROMETHEUS_PORT = env.int("EGX_PROMETHEUS_PORT", default=9090)
"""Where Prometheus is published, on loopback."""

EGX_GATEWAY_LOGS_MIB = env.int("EGX_GATEWAY_LOGS_MIB", default=64)
"""What the log agent keeps of each gateway, at most."""
