"""What support services are made of, and what Prometheus is told. Pure."""

from __future__ import annotations

import json

import yaml

from deployments.drivers.docker import prometheus, support_containers
from deployments.drivers.docker.containers import Place
from deployments.drivers.docker.daemon import Container
from deployments.drivers.docker.names import Names, Role
from deployments.drivers.docker.records import Image

NAMES = Names("abc123")
IMAGE = Image(reference="sha256:1", version="1", digest="sha256:2")


def slot(name: str, revision: int, *, state: str = "running", address: str = "10.213.0.9") -> Container:
    labels = NAMES.labels(Role.SLOT, gateway="gw1", name="web", slot=name, revision=revision, version="1.9.0")
    return Container(id="c", name="c", state=state, labels=labels, addresses={NAMES.network: address})


def test_only_prometheus_is_published_and_on_loopback_alone() -> None:
    place = Place(NAMES)
    backend = support_containers.test_backend(IMAGE, place=place, address="10.213.0.2")
    server = support_containers.prometheus_server(IMAGE, place=place, address="10.213.0.3", port=9091)
    assert "PortBindings" not in backend["HostConfig"]
    assert server["HostConfig"]["PortBindings"] == {"9090/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9091"}]}
    for spec in (backend, server):
        host = spec["HostConfig"]
        assert (host["CapDrop"], host["SecurityOpt"], host["RestartPolicy"]["Name"]) == (
            ["ALL"], ["no-new-privileges"], "unless-stopped",
        )  # fmt: skip
        assert host["Memory"] > 0


def test_the_test_backend_is_found_by_its_name() -> None:
    spec = support_containers.test_backend(IMAGE, place=Place(NAMES), address="10.213.0.2")
    endpoint = spec["NetworkingConfig"]["EndpointsConfig"][NAMES.network]
    assert endpoint == {"IPAMConfig": {"IPv4Address": "10.213.0.2"}, "Aliases": ["test-backend"]}
    assert spec["Labels"]["egx.dev/role"] == "support"


def test_prometheus_sees_no_other_folder_where_the_engine_can_mount_one() -> None:
    spec = support_containers.prometheus_server(IMAGE, place=Place(NAMES, subpaths=True), address="a", port=1)
    config, data = spec["HostConfig"]["Mounts"]
    assert (config["VolumeOptions"], config["ReadOnly"]) == ({"Subpath": "prometheus"}, True)
    assert data["Source"] == "egx-abc123-prometheus"


def test_what_it_is_made_of_shows_in_a_label() -> None:
    made = [
        support_containers.prometheus_server(IMAGE, place=Place(NAMES), address="a", port=port)["Labels"]
        for port in (1, 1, 2)
    ]
    assert made[0] == made[1] != made[2]


def test_prometheus_looks_at_slots_that_run_with_labels_that_people_ask_by() -> None:
    edge = Container(id="e", name="e", state="running", labels=NAMES.labels(Role.EDGE, gateway="gw1", name="web"))
    found = prometheus.slots([slot("green", 4, state="exited"), edge, slot("blue", 3)], NAMES.network)
    files = prometheus.targets(found)
    labels = {"gateway": "web", "slot": "blue", "revision": "3", "version": "1.9.0"}
    assert json.loads(files["envoys.json"]) == [{"targets": ["10.213.0.9:19099"], "labels": labels}]
    assert json.loads(files["engines.json"]) == [{"targets": ["10.213.0.9:19001"], "labels": labels}]


def test_the_files_of_targets_are_the_ones_that_the_configuration_names() -> None:
    config = yaml.safe_load(prometheus.config())
    named = [sd["files"][0] for job in config["scrape_configs"] for sd in job.get("file_sd_configs", ())]
    assert [file.rpartition("/")[2] for file in named] == list(prometheus.targets([]))
    assert {file.rpartition("/")[0] for file in named} == {"/tmp/envoy-gateway/prometheus/targets"}
