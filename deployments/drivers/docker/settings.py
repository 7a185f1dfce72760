"""What the docker driver needs to know of an installation."""

from __future__ import annotations

from dataclasses import dataclass, field

from deployments.drivers.docker.containers import Resources


@dataclass(frozen=True)
class DockerSettings:
    host: str = ""
    """Where the Engine listens; empty: as the `docker` command finds it."""
    gateway_image: str = "docker.io/envoyproxy/gateway"
    """Without a tag: the version is one."""
    envoy_image: str = ""
    """Without a tag; empty: `envoy` beside the gateway's image."""
    files_image: str = "docker.io/library/busybox:1.36"
    """Has a shell; used where EGX cannot write into the volume itself."""
    test_backend_image: str = "docker.io/egx/test-backend:latest"
    prometheus_image: str = "docker.io/prom/prometheus:v3.5.0"
    prometheus_port: int = 9090
    """Of this host, on loopback."""
    gateway_log_bytes: int = 64 << 20
    """That the log agent keeps of each gateway."""
    subnet: str = ""
    """Of EGX's network; empty: the first that is free."""
    volume_path: str = ""
    """Where this process has the volume mounted; empty: it finds out."""
    reach: str = "auto"
    """`direct`: this process has a route to the network; `door`: by a container; `auto`: it finds out."""
    log_level: str = "info"
    access_log: bool = True
    resources: Resources = field(default_factory=Resources)
    healthy_seconds: float = 30.0
    """For a new revision to serve."""
    settling_seconds: float = 3.0
    """For clients of an old revision that move over by themselves."""
    drain_seconds: float = 60.0
    """For those that do not; then they are cut, and counted."""
