"""What Prometheus is told to look at. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from deployments.drivers.docker import layout, names
from deployments.drivers.docker.daemon import Container

CONFIG = "prometheus.yml"
ENVOYS = "envoys.json"
ENGINES = "engines.json"
SCRAPE_INTERVAL = "15s"
SCRAPE_TIMEOUT = "10s"
RETENTION_TIME = "15d"
RETENTION_SIZE = "1GB"
"""Whichever is reached first."""
MOST_SAMPLES = 200_000
"""Of one answer: an Envoy with thousands of clusters has some ten thousand."""


@dataclass(frozen=True, order=True)
class Slot:
    """A revision that runs, as metrics name it."""

    address: str
    gateway: str
    slot: str
    revision: str
    version: str

    def labels(self) -> dict[str, str]:
        return {"gateway": self.gateway, "slot": self.slot, "revision": self.revision, "version": self.version}


def slots(found: Iterable[Container], network: str) -> list[Slot]:
    """Those of the containers that are slots and run, in an order of their own."""
    return sorted(
        Slot(
            address=one.addresses.get(network, ""),
            gateway=one.labels.get(names.NAME, ""),
            slot=one.labels.get(names.SLOT, ""),
            revision=one.labels.get(names.REVISION, ""),
            version=one.labels.get(names.VERSION, ""),
        )
        for one in found
        if one.running and one.labels.get(names.ROLE) == names.Role.SLOT and one.addresses.get(network)
    )


def config() -> str:
    """`prometheus.yml`. What there is to look at comes and goes in the files that it names."""
    jobs = [
        _job("envoy", "/stats/prometheus", ENVOYS),
        _job("envoy-gateway", "/metrics", ENGINES),
        {"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]},
    ]
    found = {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "scrape_timeout": SCRAPE_TIMEOUT},
        "scrape_configs": jobs,
    }
    return yaml.safe_dump(found, sort_keys=False)


def _job(name: str, path: str, file: str) -> dict[str, Any]:
    watched = f"{layout.inside(layout.PROMETHEUS_TARGETS)}/{file}"
    return {
        "job_name": name,
        "metrics_path": path,
        "sample_limit": MOST_SAMPLES,
        "file_sd_configs": [{"files": [watched], "refresh_interval": "1m"}],
    }


def targets(found: Sequence[Slot]) -> dict[str, str]:
    """The files that say what there is, by name."""
    return {
        ENVOYS: _listed(found, layout.ENVOY_ADMIN_PORT),
        ENGINES: _listed(found, layout.ENGINE_METRICS_PORT),
    }


def _listed(found: Sequence[Slot], port: int) -> str:
    groups = [{"targets": [f"{one.address}:{port}"], "labels": one.labels()} for one in found]
    return json.dumps(groups, indent=1)
