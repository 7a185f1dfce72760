"""What the server needs for a list of many gateways."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from bench.report import Figure, median
from bench.rig import short_folder

GATEWAYS = 1000
TIMES = 20


def measure() -> Iterator[Figure]:
    with short_folder() as home:
        os.environ |= {"EGX_DATA_DIR": str(home), "DJANGO_SETTINGS_MODULE": "egx_project.settings.test"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        _make_gateways()
        yield from _lists()


def _make_gateways() -> None:
    from deployments.models import Slot, SlotState
    from gateways.models import Gateway
    from tests.builders import apply, fake_target, gateway_yaml, route_yaml

    target = fake_target()
    for first in range(0, GATEWAYS, 100):
        text = "---\n".join(
            gateway_yaml(f"g{number}", ports=(10_000 + number,))
            + route_yaml(f"r{number}", gateway=f"g{number}", with_backend=number == first)
            for number in range(first, first + 100)
        )
        apply(text, target=target)
    Slot.objects.bulk_create(
        Slot(gateway=gateway, name="blue", state=SlotState.SERVING, version="1", generation=1)
        for gateway in Gateway.objects.all()
    )


def _lists() -> Iterator[Figure]:
    from django.test import Client

    from egx_project.access import people

    client = Client(SERVER_NAME="localhost")
    client.force_login(people.owner())
    for query, bar in (("", 50), ("?state=serving", None), ("?limit=1000", None)):
        waits = []
        for _ in range(TIMES):
            began = time.perf_counter()
            answer = client.get(f"/api/v1/gateways{query}")
            waits.append(time.perf_counter() - began)
        how = f"{len(answer.json()['items'])} of {GATEWAYS:,} shown, {len(answer.content) // 1024} KiB"
        yield Figure(f"list of gateways{query}, median", median(waits) * 1000, "ms", at_most=bar, how=how)
