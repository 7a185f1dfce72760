"""Git repositories as folders: fetched by `git`, at one commit, with nothing of the repository's or the user's run."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from deployments.drivers import children
from deployments.drivers.base import DriverError
from deployments.drivers.build_log import BuildLog
from deployments.drivers.building import Checkout
from deployments.drivers.sources import Source
from egx_project.lib import atomic
from egx_project.lib.clock import Clock

ASK_SECONDS = 30
HARDENED = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.symlinks=true",
    "-c", "protocol.allow=never",
    "-c", "protocol.https.allow=always",
    "-c", "protocol.ssh.allow=always",
    "-c", "protocol.file.allow=always",
    "-c", "http.followRedirects=false",
    "-c", "submodule.recurse=false",
    "-c", "transfer.bundleURI=false",
)  # fmt: skip
KEPT_ENV = ("PATH", "HOME", "LANG", "SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


def folder(source: Source, *, git: str) -> Checkout:
    """A folder as it is, with the commit that it is at where it is a checkout. Raises DriverError."""
    path = Path(source.folder)
    if not path.is_dir():
        raise DriverError(f"there is no folder {path} on the host that builds", hint="name one that is there")
    if not (path / ".git").exists() or not git:
        return Checkout(folder=source.folder)
    commit = _asked(git, path, "rev-parse", "--verify", "HEAD^{commit}")
    changed = bool(commit) and bool(_asked(git, path, "status", "--porcelain", "--untracked-files=no"))
    return Checkout(folder=source.folder, commit=commit, modified=changed)


def repository(
    source: Source, commit: str, work: Path, *, git: str, log: BuildLog, look: Callable[[], None], clock: Clock
) -> Checkout:
    """The repository below the folder `work`, at the commit, or where it is empty at what `source.ref` is now.

    What is there whole already is not fetched again. Raises DriverError.
    """
    if not git:
        raise DriverError("there is no `git` on the host that builds", hint="install it, or build from a folder")
    _refuse_link_local(source.url)
    to = work / "source"
    held = atomic.read_json(to / "held.json") or {}
    wanted = commit or held.get("commit", "")
    if not wanted or held.get("commit") != wanted:
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True, mode=0o700)
        _fetch(source, commit, to / "tree", work=work, git=git, log=log, look=look, clock=clock)
        held = {"commit": _asked(git, to / "tree", "rev-parse", "--verify", "HEAD^{commit}")}
        atomic.write_json(to / "held.json", held)
    tree = (to / "tree" / source.below).resolve()
    if not tree.is_dir() or not tree.is_relative_to((to / "tree").resolve()):
        raise DriverError(f"{source} has no folder {source.below}", hint="name one of that commit")
    return Checkout(folder=os.fspath(tree), commit=str(held["commit"]))


def _fetch(
    source: Source,
    commit: str,
    tree: Path,
    *,
    work: Path,
    git: str,
    log: BuildLog,
    look: Callable[[], None],
    clock: Clock,
) -> None:
    """Only the one commit, where the server lets it be asked for."""
    wanted = commit or source.ref or "HEAD"
    log.say(f"fetching {source}")
    for argv in (
        ["init", "--quiet", os.fspath(tree)],
        ["-C", os.fspath(tree), "fetch", "--depth=1", "--no-tags", "--", source.url, wanted],
        ["-C", os.fspath(tree), "checkout", "--quiet", "--detach", "FETCH_HEAD"],
    ):
        code = children.run(
            [git, *HARDENED, *argv], folder=work, env=_environment(), say=log.write, look=look, clock=clock
        )
        log.flush()
        if code:
            raise DriverError(
                f"{source} cannot be fetched: {log.last or f'git ends with {code}'}",
                hint="is the address right, is the ref there, and may this host read it?",
            )


def _environment() -> dict[str, str]:
    """Nobody is asked for a password, and nothing but what is named is taken along."""
    kept = {name: os.environ[name] for name in KEPT_ENV if name in os.environ}
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


def _asked(git: str, path: Path, *question: str) -> str:
    """The answer, or nothing where there is none."""
    argv = [git, *HARDENED, "-C", os.fspath(path), *question]
    try:
        answer = subprocess.run(argv, capture_output=True, env=_environment(), timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode(errors="replace").strip() if answer.returncode == 0 else ""


def _refuse_link_local(url: str) -> None:
    host = urlsplit(url).hostname
    if not host:
        return
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:  # a proxy may know it; else git says so
        return
    for *_others, address in found:
        there = ipaddress.ip_address(str(address[0]).split("%")[0])
        if there.is_link_local or there.is_multicast or there.is_unspecified:
            raise DriverError(f"{host} is {there}, which is not fetched from", hint="such addresses hold a host's own")
