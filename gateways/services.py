"""Writing desired state: the row, the generation of every gateway it concerns, and the event, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F, ProtectedError, Q

from egx_project.events.kinds import EventKind
from egx_project.events.record import record
from egx_project.lib import images
from egx_project.lib.errors import ConflictError
from gateways.models import Backend, Gateway, Listener, ManifestRow, PublishedPort, Route, Target, TargetKind
from gateways.references import Known, problems_of
from gateways.selectors import backend_refs, find_target
from gateways.spec import objects
from gateways.spec.base import ManifestObject, ObjectRef, Problem

Action = Literal["create", "update", "unchanged", "delete"]
Row = TypeVar("Row", Route, Backend)


@dataclass(frozen=True)
class Change:
    action: Action
    ref: ObjectRef


@dataclass
class Applied:
    """What an apply or a delete did."""

    changes: list[Change] = field(default_factory=list)
    concerned: set[int] = field(default_factory=set)
    """Primary keys of the gateways whose desired state is another now."""


class ManifestProblemsError(Exception):
    """The objects do not fit together, or with what is there. The caller knows where they were written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


def add_target(*, name: str, kind: TargetKind, node: str) -> Target:
    """A new target. Raises ConflictError where there is one of the name."""
    with transaction.atomic():
        if Target.objects.filter(name=name).exists():
            raise ConflictError(f"there is a target {name} already", hint="take another name, or remove it first")
        return ensure_target(name=name, kind=kind, node=node)


def remove_target(*, name: str) -> None:
    """Forget a target. Raises NotFoundError, and ConflictError for one that has gateways or operations."""
    target = find_target(name)
    with transaction.atomic():
        try:
            target.delete()
        except ProtectedError:
            raise ConflictError(
                f"target {name} has gateways, or operations of gateways that were there",
                hint="only a target that was never used can be removed",
            ) from None
        record(EventKind.TARGET_REMOVED, f"target/{name}")


def ensure_target(*, name: str, kind: TargetKind, node: str) -> Target:
    """The target of this name; made on the first call."""
    with transaction.atomic():
        target, created = Target.objects.get_or_create(name=name, defaults={"kind": kind, "node": node})
        if created:
            record(EventKind.TARGET_ADDED, f"target/{name}", target_kind=kind, node=node)
    return target


def apply(*, wanted: Sequence[ManifestObject], target: Target) -> Applied:
    """Make these objects what is desired; all or nothing. New gateways go to `target`.

    Raises ManifestProblemsError with everything that does not fit, and ConflictError for a gateway of another target.
    """
    with transaction.atomic():
        applied = Applied()
        problems = problems_of(wanted, known=Known.around(wanted), target=target)
        if problems:
            raise ManifestProblemsError(problems)
        for item in wanted:
            if isinstance(item, objects.Backend | objects.Service):
                _write_backend(item, applied)
        for item in wanted:
            if isinstance(item, objects.Gateway):
                _write_gateway(item, target, applied)
        for item in wanted:
            if isinstance(item, objects.HTTPRoute):
                _write_route(item, applied)
        _raise_generations(applied)
    return applied


def usual_version(kind: str) -> str:
    """The engine of new gateways on targets of this kind."""
    if kind not in {TargetKind.DOCKER, TargetKind.KUBERNETES}:
        return str(settings.EGX_ENVOY_VERSION)
    return images.parse(settings.ENVOY_GATEWAY_IMAGE).tag.removeprefix("v") or str(settings.EGX_GATEWAY_VERSION)


def _write_gateway(wanted: objects.Gateway, target: Target, applied: Applied) -> None:
    spec = wanted.spec.as_written()
    listeners = spec.pop("listeners")
    row = _find(Gateway, wanted)
    if row is None:
        row = Gateway(
            namespace=wanted.metadata.namespace,
            name=wanted.metadata.name,
            target=target,
            engine_version=usual_version(target.kind),
        )
        action: Action = "create"
    elif row.target_id != target.pk:
        raise ConflictError(
            f"gateway {row.name} runs on target {row.target.name}, not on {target.name}",
            hint="leave --target out, or remove the gateway first",
        )
    elif row.as_object() == wanted and _same_metadata(row, wanted):
        applied.changes.append(Change("unchanged", wanted.ref))
        return
    else:
        action = "update"
    row.spec = spec
    row.write_metadata(wanted.metadata)
    row.save()
    _write_listeners(row, wanted, listeners)
    applied.changes.append(Change(action, wanted.ref))
    applied.concerned.add(row.pk)
    if action == "create":
        record(EventKind.GATEWAY_CREATED, f"gateway/{row.place}", target=target.name, **_told(row))


def _write_listeners(row: Gateway, wanted: objects.Gateway, written: Sequence[dict[str, object]]) -> None:
    ports = {listener.port for listener in wanted.spec.listeners}
    row.listeners.all().delete()
    row.ports.exclude(number__in=ports).delete()
    owned = {
        number: PublishedPort.objects.get_or_create(target=row.target, gateway=row, number=number)[0]
        for number in sorted(ports)
    }
    Listener.objects.bulk_create(
        Listener(
            gateway=row,
            port=owned[listener.port],
            position=position,
            name=listener.name,
            protocol=listener.protocol,
            hostname=listener.hostname or "",
            spec=written[position],
        )
        for position, listener in enumerate(wanted.spec.listeners)
    )


def _write_backend(wanted: objects.Backend | objects.Service, applied: Applied) -> None:
    row, action = _write(Backend, wanted, applied)
    if action == "unchanged":
        return
    created = action == "create"
    kind = EventKind.BACKEND_CREATED if created else EventKind.BACKEND_CHANGED
    record(kind, f"backend/{wanted.KIND}/{row.place}")
    applied.concerned.update(Gateway.objects.filter(routes__backends=row).values_list("pk", flat=True))


def _write_route(wanted: objects.HTTPRoute, applied: Applied) -> None:
    existing = _find(Route, wanted)
    before = set(existing.gateways.values_list("pk", flat=True)) if existing else set()
    row, action = _write(Route, wanted, applied)
    if action == "unchanged":
        return
    row.gateways.set(_parents(wanted))
    row.backends.set(_backends(wanted))
    after = set(row.gateways.values_list("pk", flat=True))
    applied.concerned |= before | after
    kind = EventKind.ROUTE_CREATED if action == "create" else EventKind.ROUTE_CHANGED
    parents = sorted(gateway.place for gateway in row.gateways.all())
    record(kind, f"route/{wanted.KIND}/{row.place}", gateways=parents)


def _write(model: type[Row], wanted: ManifestObject, applied: Applied) -> tuple[Row, Action]:
    row = _find(model, wanted)
    action: Action
    if row is None:
        row = model(kind=wanted.KIND, namespace=wanted.metadata.namespace, name=wanted.metadata.name)
        action = "create"
    elif row.as_object() == wanted and _same_metadata(row, wanted):
        action = "unchanged"
    else:
        action = "update"
    applied.changes.append(Change(action, wanted.ref))
    if action != "unchanged":
        row.write_metadata(wanted.metadata)
        row.spec = wanted.as_written().get("spec", {})
        row.save()
    return row, action


Found = TypeVar("Found", Gateway, Route, Backend)


def _find(model: type[Found], wanted: ManifestObject) -> Found | None:
    place = {"namespace": wanted.metadata.namespace, "name": wanted.metadata.name}
    if model is not Gateway:
        place["kind"] = wanted.KIND
    return model._default_manager.filter(**place).first()


def _same_metadata(row: ManifestRow, wanted: ManifestObject) -> bool:
    return (row.labels, row.annotations) == (wanted.metadata.labels, wanted.metadata.annotations)


def _parents(route: objects.HTTPRoute) -> list[Gateway]:
    places = {(ref.namespace or route.metadata.namespace, ref.name) for ref in route.spec.parent_refs}
    return [Gateway.objects.get(namespace=namespace, name=name) for namespace, name in sorted(places)]


def _backends(route: objects.HTTPRoute) -> list[Backend]:
    refs = {ref for ref, _port in backend_refs(route)}
    return [Backend.objects.get(kind=r.kind, namespace=r.namespace, name=r.name) for r in sorted(refs, key=str)]


def _raise_generations(applied: Applied) -> None:
    """One step up for each gateway concerned, but not for new ones: those start at one."""
    new = {change.ref for change in applied.changes if change.action == "create" and change.ref.kind == "Gateway"}
    for gateway in Gateway.objects.filter(pk__in=applied.concerned):
        if gateway.ref not in new:
            raise_generation(gateway)


def raise_generation(gateway: Gateway) -> None:
    """Let the desired state count as new, so that it is brought to the runtime (again)."""
    with transaction.atomic():
        Gateway.objects.filter(pk=gateway.pk).update(generation=F("generation") + 1)
        _tell_changed(gateway)


def set_engine_version(gateway: Gateway, version: str) -> None:
    """Which engine the gateway is to run on; what brings it there is asked for by others."""
    with transaction.atomic():
        if Gateway.objects.filter(pk=gateway.pk).exclude(engine_version=version).update(engine_version=version):
            _tell_changed(gateway)


def _tell_changed(gateway: Gateway) -> None:
    gateway.refresh_from_db(fields=["generation", "engine_version"])
    record(EventKind.GATEWAY_CHANGED, f"gateway/{gateway.place}", **_told(gateway))


def _told(gateway: Gateway) -> dict[str, Any]:
    """What events of a gateway carry, so that readers need not ask."""
    return {
        "generation": gateway.generation,
        "engine_version": gateway.engine_version,
        "ports": sorted(gateway.ports.values_list("number", flat=True)),
    }


def put_back(*, gateway: Gateway, wanted: Sequence[ManifestObject]) -> Applied:
    """Make the gateway and its routes what they were; routes that only it has, and that are not among these, go.

    Raises ManifestProblemsError where they do not fit with what else is there by now.
    """
    with transaction.atomic():
        named = {item.ref for item in wanted}
        own = [route for route in gateway.routes.all() if route.ref not in named and route.gateways.count() == 1]
        removed = delete(refs=[route.ref for route in own])
        applied = apply(wanted=wanted, target=gateway.target)
        applied.changes += removed.changes
        applied.concerned |= removed.concerned
    return applied


def delete(*, refs: Sequence[ObjectRef]) -> Applied:
    """Delete routes and backends; those that are not there are left out. Raises ConflictError for a backend in use."""
    with transaction.atomic():
        applied = Applied()
        for ref in sorted(refs, key=lambda ref: ref.kind in {objects.Backend.KIND, objects.Service.KIND}):
            place = {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
            if route := Route.objects.filter(**place).first():
                _delete_route(route, applied)
            elif backend := Backend.objects.filter(**place).first():
                _delete_backend(backend, applied)
        _raise_generations(applied)
    return applied


def _delete_route(route: Route, applied: Applied) -> None:
    applied.concerned.update(route.gateways.values_list("pk", flat=True))
    applied.changes.append(Change("delete", route.ref))
    record(EventKind.ROUTE_REMOVED, f"route/{route.kind}/{route.place}")
    route.delete()


def _delete_backend(backend: Backend, applied: Applied) -> None:
    users = [str(route) for route in backend.routes.all()]
    if users:
        raise ConflictError(f"{backend} is used by {', '.join(users)}", hint="delete or change these first")
    applied.changes.append(Change("delete", backend.ref))
    record(EventKind.BACKEND_REMOVED, f"backend/{backend.kind}/{backend.place}")
    backend.delete()


def mark_applied(*, gateway_id: int, generation: int) -> None:
    """What serves has accepted this generation; an older one than known changes nothing."""
    with transaction.atomic():
        _write_applied(gateway_id, generation, where=Q(applied_generation__lt=generation))


def mark_taken_back(*, gateway_id: int, generation: int) -> None:
    """What serves has gone back to this generation: what was applied after it is not applied any more."""
    with transaction.atomic():
        _write_applied(gateway_id, generation, where=Q(applied_generation__gt=generation))


def _write_applied(gateway_id: int, generation: int, *, where: Q) -> None:
    if Gateway.objects.filter(where, pk=gateway_id).update(applied_generation=generation):
        gateway = Gateway.objects.get(pk=gateway_id)
        record(EventKind.GATEWAY_APPLIED, f"gateway/{gateway.place}", generation=generation)


def delete_gateway(*, gateway_id: int) -> None:
    """Delete the gateway's rows, and the routes that were attached to it alone."""
    with transaction.atomic():
        gateway = Gateway.objects.filter(pk=gateway_id).first()
        if gateway is None:
            return
        for route in gateway.routes.all():
            if route.gateways.count() == 1:
                record(EventKind.ROUTE_REMOVED, f"route/{route.kind}/{route.place}")
                route.delete()
        record(EventKind.GATEWAY_REMOVED, f"gateway/{gateway.place}")
        gateway.delete()
