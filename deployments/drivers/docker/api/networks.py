"""The networks of a Docker Engine, and who is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import docker.errors

from deployments.drivers.docker.api.connection import Connection, Json


class NetworkCalls(Connection):
    def network(self, name: str) -> Json | None:
        with self._asking(f"show network {name}"):
            found = [one for one in self._api.networks(names=[name]) if one["Name"] == name]
        return cast("Json", found[0]) if found else None

    def subnets(self) -> list[str]:
        """Of all networks."""
        with self._asking("list networks"):
            networks = self._api.networks()
        return [
            config["Subnet"]
            for network in networks
            for config in (network.get("IPAM") or {}).get("Config") or ()
            if config.get("Subnet")
        ]

    def create_network(self, spec: Mapping[str, Any]) -> None:
        with self._asking(f"make network {spec['Name']}"):
            self._api.create_network(
                spec["Name"],
                driver=spec["Driver"],
                ipam=spec["IPAM"],
                labels=spec["Labels"],
                internal=spec.get("Internal", False),
                check_duplicate=True,
            )

    def remove_network(self, name: str) -> None:
        """Nothing where it is not there."""
        with self._asking(f"remove network {name}"), contextlib.suppress(docker.errors.NotFound):
            self._api.remove_network(name)

    def connect(self, container: str, network: str, *, aliases: Sequence[str] = ()) -> None:
        """Nothing where it is in the network already."""
        with self._asking(f"join container {container} to network {network}"):
            try:
                self._api.connect_container_to_network(container, network, aliases=list(aliases) or None)
            except docker.errors.APIError as error:
                if "already exists in network" not in str(error):
                    raise

    def disconnect(self, container: str, network: str) -> None:
        """Nothing where it is not in the network."""
        with self._asking(f"take container {container} out of network {network}"):
            try:
                self._api.disconnect_container_from_network(container, network)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if "is not connected to" not in str(error):
                    raise
