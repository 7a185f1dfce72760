from __future__ import annotations

import os
import signal
from http import HTTPStatus

from tests import hosts
from tests.e2e.running import Egx, get, is_listening

STOP_SECONDS = 8.0


def test_ctrl_c_stops_egx_and_gateways_keep_serving(egx: Egx) -> None:
    foreground = egx.start()
    egx.await_answers()
    egx.operation_in(1, "done")
    assert get(egx.demo_port).status == HTTPStatus.OK

    os.killpg(foreground.pid, signal.SIGINT)  # as a terminal does: to every process of its foreground group
    out, _err = foreground.communicate(timeout=STOP_SECONDS)
    assert foreground.returncode == 0
    assert "gateways keep serving" in out.splitlines()[-1]
    assert not is_listening(egx.port)
    assert get(egx.demo_port).status == HTTPStatus.OK


def test_down_stops_egx_and_with_gateways_everything_and_up_serves_again(egx: Egx) -> None:
    egx.do("up", "-d")
    said = egx.do("down")
    assert "gateways keep serving" in said.out
    assert not is_listening(egx.port)
    assert get(egx.demo_port).status == HTTPStatus.OK
    assert "does not run" in egx.do("down").out

    stopped = egx.do("down", "--gateways", "--json").json
    assert stopped["stopped"] is False
    assert len(stopped["units"]) == 3  # the edge, a slot and the test backend
    assert not is_listening(egx.demo_port)
    assert not hosts.processes_below(egx.home)
    assert not hosts.processes_of_units(egx.home)

    egx.do("up", "-d")
    assert get(egx.demo_port).status == HTTPStatus.OK
    both = egx.do("down", "--gateways", "--json").json
    assert (both["stopped"], len(both["units"])) == (True, 3)
    assert not hosts.processes_of_units(egx.home)
