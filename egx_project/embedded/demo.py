"""The first run's gateway: `demo`, in front of EGX's own test backend."""

from __future__ import annotations

import os
import random
import socket
import sys
from contextlib import closing
from pathlib import Path

from django.conf import settings

from deployments import applying
from deployments.drivers.process.units import Unit, UnitFile
from gateways.manifests.reader import Source, read
from gateways.models import Gateway, Target

NAME = "demo"
BACKEND = "test-backend"

MANIFEST = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: {name}
spec:
  gatewayClassName: egx
  listeners:
    - name: http
      port: {port}
      protocol: HTTP
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {name}
spec:
  parentRefs:
    - name: {name}
  rules:
    - backendRefs:
        - group: gateway.envoyproxy.io
          kind: Backend
          name: {backend}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata:
  name: {backend}
spec:
  endpoints:
    - ip:
        address: 127.0.0.1
        port: {backend_port}
"""


def is_due() -> bool:
    """Whether this data directory has never had a gateway."""
    from deployments.models import Operation

    return not Gateway.objects.exists() and not Operation.objects.exists()


def deploy(target: Target) -> None:
    """Start the test backend and ask for the gateway."""
    port = start_backend(settings.EGX_DATA_DIR / "run")
    text = MANIFEST.format(name=NAME, port=settings.EGX_DEMO_PORT, backend=BACKEND, backend_port=port)
    applying.apply_manifest(read([Source(name="demo", text=text)]), target=target, by="egx up")


def start_backend(run: Path) -> int:
    """The port of the test backend, started as a unit of its own: it outlives EGX as gateways do."""
    unit = Unit(run / BACKEND)
    known = unit.read()
    if known is None:
        port = _free_port()
        argv = [
            sys.executable,
            "-m",
            "egx_project.test_backend",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--instance",
            NAME,
        ]
        unit.write(UnitFile(argv=argv, cwd=os.fspath(unit.folder), wanted=True, facts={"port": port}))
    else:
        port = int(known.facts["port"])
        unit.write(UnitFile(argv=known.argv, cwd=known.cwd, wanted=True, facts=known.facts))
    unit.start()
    return port


def _free_port() -> int:
    """Below the range from which systems take ports of outgoing connections, so that it is still free tomorrow."""
    while True:
        port = random.randint(20000, 29999)  # noqa: S311
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
