"""`egx update`"""

from __future__ import annotations

from typing import Any

import click

from egx_project.cli.answers import Operation
from egx_project.cli.changes import finish, waiting_options, watch
from egx_project.cli.client import connect, path_of
from egx_project.cli.names import split_name
from egx_project.cli.output import Output, json_option, pass_output, problem_line


@click.command()
@click.argument("gateway")
@click.option("--to", "version", metavar="VERSION", help="This version, not the newest that the policy allows.")
@click.option("--downgrade", is_flag=True, help="VERSION may be older than what serves.")
@click.option("--check", is_flag=True, help="Only ask what there is; change nothing.")
@waiting_options
@json_option
@pass_output
def update(
    output: Output,
    *,
    gateway: str,
    version: str | None,
    downgrade: bool,
    check: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Put another version of the engine in the place of the one that serves GATEWAY.

    The new one runs beside the old one and gets traffic once it has proved itself; whatever fails before or after
    that brings the old one back. `egx plan GATEWAY --to VERSION` shows the steps.
    """
    namespace, name = split_name(gateway)
    place = {"namespace": namespace}
    with connect() as client:
        if check:
            policy = client.get(path_of("gateways", name, "policy"), place)
            client.post(path_of("channels", str(policy.get("channel")), "check"))
            _print_info(output, client.get(path_of("gateways", name, "update"), place))
            return
        body = {"to": version or "", "downgrade": downgrade}
        answer = client.post(path_of("gateways", name, "update"), body, place)
        for warning in answer.get("warnings") or []:
            output.note(problem_line({**warning, "severity": "warning"}))
        operations = watch(client, output, answer.get("operations") or [], wait=wait, timeout=timeout)
    _print_numbers(output, operations)
    document = summary(operations[0]) if operations else {"operation": None, "state": "done"}
    finish(output, document, operations, wait=wait)


def summary(operation: Operation) -> dict[str, Any]:
    """What scripts read of an update or a rollback."""
    result = operation.get("result") or {}
    before, during = result.get("before") or {}, result.get("during") or {}
    switch = result.get("switch_traffic") or {}
    state = operation.get("state")
    return {
        "operation": operation.get("id"),
        "kind": operation.get("kind"),
        "state": state,
        "from": result.get("from"),
        "to": result.get("to"),
        "requests": during.get("requests"),
        "failed_requests": during.get("failed_requests"),
        "failures": during.get("failures"),
        "switch_seconds": switch.get("seconds"),
        "drain_seconds": (result.get("drain_old") or {}).get("seconds"),
        "p99_ms_before": before.get("p99_ms"),
        "p99_ms_during": during.get("p99_ms"),
        "connections_left": result.get("connections_left"),
        "websockets_left": result.get("websockets_left"),
        "success": state == "done",
        "previousVersion": result.get("from"),
        "newVersion": result.get("to"),
        "backupId": result.get("backup_id"),
        "error": operation.get("error"),
        "hint": operation.get("hint"),
    }


def _print_info(output: Output, info: dict[str, Any]) -> None:
    if output.json:
        output.document(info)
        return
    current, latest = info.get("currentVersion"), info.get("latestVersion")
    if info.get("upgradeAvailable"):
        name = info.get("gateway")
        output.line(f"gateway {name}: Envoy {current}; {latest} is there: `egx update {name}` puts it in")
        if notes := info.get("releaseNotes"):
            output.line(f"  {notes}")
    else:
        output.line(f"gateway {info.get('gateway')}: Envoy {current}, and no newer one that its policy allows")
    for text in (info.get("whyNot"), info.get("problem")):
        if text:
            output.note(f"  {text}")


def _print_numbers(output: Output, operations: list[Operation]) -> None:
    for operation in operations:
        told = summary(operation)
        if not output.json and told["requests"] is not None:
            output.line(
                f"  {told['requests']} requests meanwhile, {told['failed_requests']} failed; "
                f"p99 {_ms(told['p99_ms_before'])} before, {_ms(told['p99_ms_during'])} during"
            )
            if told["connections_left"]:
                output.line(f"  {told['connections_left']} connections stay on the old engine for now")


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g} ms"
