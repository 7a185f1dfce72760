"""The foreground process of `egx up`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from egx_project.cli.output import Output
from egx_project.embedded import instance, offline, preparation
from egx_project.embedded.django_here import set_up_django
from egx_project.settings.location import socket_path

TURN_SECONDS = 0.0005


def run(output: Output, home: Path, *, host: str, port: int, demo: bool) -> None:
    """Prepare, start everything, serve until a signal, and say what stays."""
    # Many short threads wait for each other here; Python's 5 ms turns would be most of a change's time.
    sys.setswitchinterval(TURN_SECONDS)
    os.environ["PORT"] = str(port)
    url = f"http://localhost:{port}"
    with instance.only_one(home, url=url):
        offline.finish(home)  # before the settings are read: it may bring another key
        set_up_django()
        preparation.migrate()
        offline.settle(output, home)
        _first_run(demo=demo)
        _serve(output, home, host=host, port=port, url=url)
    output.line("\nEGX has stopped; gateways keep serving (`egx down --gateways` stops them)")


def _first_run(*, demo: bool) -> None:
    from django.conf import settings

    from egx_project.embedded import demo as demo_gateway
    from gateways.models import TargetKind
    from gateways.services import ensure_target

    target = ensure_target(name=settings.EGX_LOCAL_TARGET, kind=TargetKind.PROCESS, node=settings.EGX_NODE)
    ensure_target(name=settings.EGX_DOCKER_TARGET, kind=TargetKind.DOCKER, node=settings.EGX_NODE)
    if demo and demo_gateway.is_due():
        preparation.require_port(
            settings.EGX_DEMO_PORT,
            host=settings.EGX_BIND_ADDRESS,
            what="the gateway demo",
            way_out="free it, set EGX_DEMO_PORT to another, or start without the demo gateway: egx up --no-demo",
        )
        demo_gateway.deploy(target)


def _serve(output: Output, home: Path, *, host: str, port: int, url: str) -> None:
    from egx_project.access import people
    from egx_project.access.services import issue_link
    from egx_project.asgi import application
    from egx_project.embedded import server, worker

    worker.start()
    login = issue_link(user=people.owner(), by="egx up")

    def on_started() -> None:
        output.line(f"EGX runs at {url}. Ctrl-C stops it; gateways keep serving.")
        output.line(f"log in, once, by {login}")

    asyncio.run(server.serve(application, host=host, port=port, path=socket_path(home), on_started=on_started))
