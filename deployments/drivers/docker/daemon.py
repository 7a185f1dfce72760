"""The Docker Engine: the only door to the `docker` package for what runs gateways. Its errors become sentences."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import docker
import docker.errors
import requests
import urllib3

from deployments.drivers.base import AbsentError, DriverError

LEAST_API = (1, 41)
SUBPATHS_API = (1, 45)
SECONDS = 60
NOT_TO_BE_CLOSED = (OSError, AttributeError, ValueError, docker.errors.DockerException)
"""What the package raises where it closes what is closed."""
UNIX = "unix://"
Json = dict[str, Any]


class DaemonError(DriverError):
    """The Engine refused, or could not."""


class DaemonSilentError(AbsentError):
    """The Engine does not answer."""


@dataclass(frozen=True)
class Container:
    """As `GET /containers/json` has it."""

    id: str
    name: str
    state: str
    """`created`, `running`, `restarting`, `exited`, `dead`, `paused` or `removing`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    """By network."""
    published: tuple[tuple[str, int], ...] = ()
    """(address of the host, port)."""
    image: str = ""
    status: str = ""
    """As people read it: `Up 3 minutes`."""

    @property
    def running(self) -> bool:
        return self.state == "running"


class LogStream:
    """What a container says, as it says it."""

    def __init__(self, client: docker.APIClient, stream: Any) -> None:  # noqa: ANN401  a type of the package's own
        self._client = client
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
            return  # the Engine went away, or it was cancelled

    def cancel(self) -> None:
        """Ends the reading of another thread."""
        with contextlib.suppress(*NOT_TO_BE_CLOSED):
            self._stream.close()

    def close(self) -> None:
        """By whoever has read it."""
        _close(self._stream)
        self._client.close()


class _Client(docker.APIClient):
    """Each thread has its own, and threads come and go: whoever is not needed any more leaves no connection open."""

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # it may not have come to be
            self.close()


class Daemon:
    """One Engine. Usable from several threads; nothing is asked before it is needed."""

    def __init__(self, host: str) -> None:
        self.host = host or usual_host()
        """`unix://…`, `tcp://…`, `npipe://…` or `ssh://…`."""
        self.calls = 0
        """Requests made of the Engine so far."""
        self._local = threading.local()

    def close(self) -> None:
        """Leave no connection of this thread open; the next question opens one."""
        opened, self._local.api = getattr(self._local, "api", None), None
        if opened is not None:
            opened.close()

    # --- the Engine itself ------------------------------------------------------------------------------------------

    def info(self) -> Json:
        with self._asking("tell about itself"):
            return self._api.info()

    @property
    def api_version(self) -> tuple[int, int]:
        with self._asking("tell its version"):
            return _version(self._api.api_version)

    @property
    def is_desktop(self) -> bool:
        """Whether containers run in a virtual machine that this host has no route into."""
        return "docker desktop" in str(self.info().get("OperatingSystem", "")).lower()

    # --- containers -------------------------------------------------------------------------------------------------

    def containers(self, *labels: str) -> list[Container]:
        """All of them with these labels, stopped ones included."""
        with self._asking("list containers"):
            found = self._api.containers(all=True, filters={"label": list(labels)} if labels else {})
        return [_container(one) for one in found]

    def listed(self, **filters: str | list[str]) -> list[Json]:
        """As the Engine lists them, stopped ones included."""
        with self._asking("list containers"):
            return cast("list[Json]", self._api.containers(all=True, filters=filters))

    def inspect(self, container: str) -> Json | None:
        with self._asking(f"show container {container}"):
            try:
                return cast("Json", self._api.inspect_container(container))
            except docker.errors.NotFound:
                return None

    def create(self, name: str, spec: Mapping[str, Any]) -> str:
        """The new container's id. Raises DaemonError where the name is taken."""
        with self._asking(f"make container {name}"):
            made = self._api.create_container_from_config(dict(spec), name=name)  # type: ignore[no-untyped-call]
        return str(made["Id"])

    def start(self, container: str) -> None:
        with self._asking(f"start container {container}"):
            self._api.start(container)

    def stop(self, container: str, *, seconds: int) -> None:
        """Nothing where it does not run or is not there."""
        with self._asking(f"stop container {container}"), contextlib.suppress(docker.errors.NotFound):
            self._api.stop(container, timeout=seconds)

    def restart(self, container: str) -> None:
        with self._asking(f"restart container {container}"):
            self._api.restart(container, timeout=0)

    def remove(self, container: str) -> None:
        """Also where it runs; nothing where it is not there."""
        with self._asking(f"remove container {container}"):
            try:
                self._api.remove_container(container, force=True, v=False)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if "already in progress" not in str(error):
                    raise

    def run(self, name: str, spec: Mapping[str, Any], *, seconds: float) -> str:
        """Run to its end and remove; what it said. Raises DaemonError with its last words where it failed."""
        self.remove(name)  # of an attempt that was killed
        container = self.create(name, spec)
        try:
            self.start(container)
            with self._asking(f"wait for container {name}"):
                code = int(self._api.wait(container, timeout=int(seconds))["StatusCode"])
            said = self.logs(container)
        finally:
            self.remove(container)
        if code:
            raise DaemonError(f"{name} ended with {code}: {_last(said)}")
        return said

    def execute(self, container: str, argv: list[str]) -> str:
        """What the command says; raises DaemonError where it fails."""
        with self._asking(f"run a command in {container}"):
            made = self._api.exec_create(container, argv, user="0")
            said = self._api.exec_start(made["Id"]).decode(errors="replace")
            code = self._api.exec_inspect(made["Id"])["ExitCode"]
        if code:
            raise DaemonError(f"`{' '.join(argv[:3])} …` in {container} failed ({code}): {_last(said)}")
        return said

    def logs(self, container: str, *, since: float | None = None, tail: int | None = None) -> str:
        """Of a container that is there; `since` in seconds of the Epoch."""
        with self._asking(f"read the log of {container}"):
            try:
                found = self._api.logs(
                    container, stdout=True, stderr=True, since=since, tail="all" if tail is None else tail
                )
            except docker.errors.NotFound:
                return ""
        return found.decode(errors="replace")

    def stamped_log(
        self, container: str, *, since: float | None = None, tail: int | None = None, follow: bool = False
    ) -> LogStream:
        """Its lines, each beginning with its stamp; with `follow`, on to the container's end. To be closed."""
        client = self._client(timeout=SECONDS)
        try:
            with self._asking(f"read the log of {container}"):
                found = client.logs(
                    container,
                    stream=True,
                    follow=follow,
                    timestamps=True,
                    since=since,
                    tail="all" if tail is None else tail,
                )
        except BaseException:
            client.close()
            raise
        return LogStream(client, found)

    def put(self, container: str, folder: str, archive: bytes | Iterable[bytes]) -> None:
        """Unpack a tar archive into the container's folder."""
        with self._asking(f"copy into {container}"):
            self._api.put_archive(container, folder, archive)

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """A tar archive of the path."""
        with self._asking(f"copy {path} out of {container}"):
            chunks, _stat = self._api.get_archive(container, path)
            yield from chunks

    # --- networks and volumes ---------------------------------------------------------------------------------------

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

    def volume(self, name: str) -> Json | None:
        with self._asking(f"show volume {name}"):
            try:
                return self._api.inspect_volume(name)
            except docker.errors.NotFound:
                return None

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with self._asking(f"make volume {name}"):
            self._api.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Nothing where it is not there."""
        with self._asking(f"remove volume {name}"), contextlib.suppress(docker.errors.NotFound):
            self._api.remove_volume(name)

    # --- images -----------------------------------------------------------------------------------------------------

    def image(self, reference: str) -> Json | None:
        with self._asking(f"show image {reference}"):
            try:
                return cast("Json", self._api.inspect_image(reference))  # type: ignore[no-untyped-call]
            except docker.errors.ImageNotFound:
                return None

    def pull(self, repository: str, tag: str, auth: Mapping[str, str] | None = None) -> Iterator[Json]:
        """The Engine's own lines of progress. `tag` may be a digest. Raises DaemonError for an error inside them."""
        with self._asking(f"pull {repository}"):
            # An auth of None would make the package look for one itself, in files that may be broken.
            refused = ""
            for line in self._api.pull(repository, tag=tag, stream=True, decode=True, auth_config=dict(auth or {})):
                if "error" in line:  # read on: a stream that is read to its end leaves its connection to others
                    refused = str(line["error"])
                else:
                    yield line
            if refused:
                raise DaemonError(f"Docker could not pull {repository}, {tag}: {refused}", hint=_hint(refused))

    def tag(self, image: str, repository: str, tag: str) -> None:
        with self._asking(f"tag {repository}:{tag}"):
            self._api.tag(image, repository, tag)

    def untag(self, reference: str) -> None:
        """Nothing where it is not there."""
        with self._asking(f"untag {reference}"), contextlib.suppress(docker.errors.ImageNotFound):
            self._api.remove_image(reference, noprune=True)

    def load(self, archive: Iterable[bytes]) -> list[str]:
        """What was loaded, as the Engine names it."""
        with self._asking("load images"):
            lines = self._api.load_image(archive)  # type: ignore[no-untyped-call]
            said = [str(line.get("stream", line.get("error", ""))) for line in lines]
        return [found for line in said for found in re.findall(r"Loaded image(?: ID)?: (\S+)", line)]

    # --- events -----------------------------------------------------------------------------------------------------

    def events(self, filters: Mapping[str, list[str]], *, seconds: float, since: float | None = None) -> Iterator[Json]:
        """What happens, as far as the filters let it through, until somebody stops reading, or after `seconds`.
        With `since`, of the Epoch, also what has happened since then.

        Returns early, as it were without news, where the Engine goes away.
        """
        client = self._client(timeout=seconds)
        try:
            begun = None if since is None else int(since)
            stream = client.events(decode=True, filters=dict(filters), since=begun)
            try:
                yield from stream
            finally:
                _close(stream)
        except (requests.RequestException, urllib3.exceptions.HTTPError, docker.errors.DockerException, OSError):
            return
        finally:
            client.close()

    # --- inside -----------------------------------------------------------------------------------------------------

    @property
    def _api(self) -> docker.APIClient:
        found = getattr(self._local, "api", None)
        if found is None:
            found = self._local.api = self._client(timeout=SECONDS)
            if _version(found.api_version) < LEAST_API:
                self._local.api = None
                raise DaemonError(
                    f"this Docker Engine speaks API {found.api_version}; EGX needs 1.41 or newer",
                    hint="update Docker to 20.10 or newer",
                )
        return cast("docker.APIClient", found)

    def _client(self, *, timeout: float) -> docker.APIClient:
        self._knock()
        with self._asking("answer", count=False):
            return _Client(base_url=self.host, version="auto", timeout=max(1, int(timeout)))

    def _knock(self) -> None:
        """Docker's client leaves a socket open that it could not connect, and says less of why."""
        if self.host.startswith(UNIX):
            with socket.socket(socket.AF_UNIX) as knocking:
                try:
                    knocking.connect(self.host.removeprefix(UNIX))
                except OSError as error:
                    raise self._unreachable(error) from error

    @contextlib.contextmanager
    def _asking(self, what: str, *, count: bool = True) -> Iterator[None]:
        if count:
            self.calls += 1
        try:
            yield
        except docker.errors.APIError as error:
            raise _explained(what, error) from error
        except (
            docker.errors.DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            self._local.api = None
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> DriverError:
        text, where = str(error), self.host
        if "Permission denied" in text or isinstance(error, PermissionError):
            return DaemonError(
                f"this user may not use Docker at {where}",
                hint="add the user to the group docker and log in again, or use rootless Docker",
            )
        if isinstance(error, FileNotFoundError) or "FileNotFoundError" in text or "No such file" in text:
            return DaemonSilentError(
                f"there is no Docker at {where}", hint="install and start Docker; gateways on `process` need none"
            )
        if "Read timed out" in text:
            return DaemonSilentError(f"Docker at {where} does not answer in time", hint="is it overloaded? try again")
        return DaemonSilentError(
            f"Docker at {where} does not answer", hint="start it (Docker Desktop, or `systemctl start docker`)"
        )


def _close(stream: Any) -> None:  # noqa: ANN401  a type of the package's own
    """By whoever has read it: its own `close` leaves half of it open, and all of it where the Engine has gone away."""
    for close in (stream.close, stream._response.close):
        with contextlib.suppress(*NOT_TO_BE_CLOSED):
            close()


def usual_host() -> str:
    """Where the `docker` command looks: its current context, which Docker Desktop sets, or the usual socket."""
    try:
        context = docker.ContextAPI.get_current_context()
        found = str(context.Host) if context else ""
    except (docker.errors.DockerException, OSError, ValueError, KeyError, TypeError, AttributeError):
        found = ""  # a configuration that is broken: `docker` itself falls back, too
    return found.replace("http+unix://", UNIX) or f"{UNIX}/var/run/docker.sock"


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _container(found: Json) -> Container:
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=found["Id"],
        name=(found.get("Names") or ["/"])[0].lstrip("/"),
        state=found["State"],
        status=found.get("Status", ""),
        labels=found.get("Labels") or {},
        addresses={name: one.get("IPAddress") or "" for name, one in networks.items()},
        published=tuple(
            (str(port.get("IP", "")), int(port["PublicPort"]))
            for port in found.get("Ports") or ()
            if port.get("PublicPort")
        ),
        image=found.get("ImageID", ""),
    )


HINTS = {
    "no space left": "free some space where Docker keeps its data (`docker system df` says what takes it)",
    "port is already allocated": "use another port, or stop what has it",
    "address already in use": "use another port, or stop what has it",
    "toomanyrequests": "the registry's rate limit is reached: log in, or try again later",
    "no basic auth": "log in: `docker login`, or `egx registry login`",
    "unauthorized": "log in: `docker login`, or `egx registry login`",
    "denied": "log in with an account that may read it: `docker login`, or `egx registry login`",
    "manifest unknown": "the registry does not have it; `egx get releases` lists what the channel has",
    "no matching manifest": "it is not made for this platform; use another version, or another image",
    "x509": "the registry's certificate is not trusted by Docker: give Docker its CA (/etc/docker/certs.d)",
    "no such host": "the registry's name does not resolve: is it right, and is there a network?",
    "connection refused": "nothing answers at the registry: is it up?",
    "not found": "is the name right? `egx get releases` lists what the channel has",
}
"""By what Docker says, the more telling first."""


def _explained(what: str, error: docker.errors.APIError) -> DaemonError:
    said = str(error.explanation or error).strip()
    return DaemonError(f"Docker could not {what}: {said}", hint=_hint(said))


def _hint(said: str) -> str:
    return next((hint for sign, hint in HINTS.items() if sign in said.lower()), "")


def _last(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return lines[-1][-300:] if lines else "it gives no reason"
