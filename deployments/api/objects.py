"""Gateways, routes and backends, each written as the Gateway API object that it is."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import Any

from rest_framework.request import Request

from deployments import applying
from deployments.api.conditions import Conditions
from deployments.api.shown import changed
from egx_project.lib.errors import BadInputError, ConflictError
from egx_project.rest.answers import Made
from egx_project.rest.bodies import ApiModel
from gateways import selectors
from gateways.manifests.reader import Source, read
from gateways.spec.base import ManifestObject, ObjectRef

DEFAULT_NAMESPACE = "default"


class WriteAsked(ApiModel):
    """The parameters of a write."""

    namespace: str | None = None
    target: str | None = None
    """Of a new gateway."""


class PlaceAsked(ApiModel):
    namespace: str | None = None


def put(request: Request, ref: ObjectRef, *, target: str | None) -> Made:
    """Make the object that the body is, which must be `ref`, what is desired."""
    wanted = body_object(request, namespace=ref.namespace)
    if wanted.ref != ref:
        raise BadInputError(f"the body is {wanted.ref}, the address is {ref}'s")
    return _write(request, wanted, target=target)


def create(request: Request, *, kinds: tuple[str, ...], target: str | None) -> Made:
    """The same, for one that must not be there."""
    wanted = body_object(request, namespace=None)
    if wanted.KIND not in kinds:
        raise BadInputError(f"the body is a {wanted.KIND}", hint=f"it must be a {' or a '.join(kinds)}")
    if selectors.find_row(wanted.ref):
        raise ConflictError(f"there is a {wanted.ref} already", hint="PUT replaces it")
    status, body = _write(request, wanted, target=target)
    return (201 if status == HTTPStatus.OK else status), body


def _write(request: Request, wanted: ManifestObject, *, target: str | None) -> Made:
    outcome = applying.apply_manifest(
        read([_source(request)]),
        target=selectors.target_for(wanted.ref, target),
        by=str(request.user),
        condition=partial(Conditions.of(request).check, wanted.ref),
    )
    return changed(outcome)


def delete(request: Request, ref: ObjectRef) -> Made:
    selectors.get_row(ref)
    outcome = applying.delete_objects([ref], by=str(request.user), condition=partial(Conditions.of(request).check, ref))
    return changed(outcome)


def body_object(request: Request, *, namespace: str | None) -> ManifestObject:
    """The one object in the body. Raises BadInputError, with a problem for everything that is wrong with it."""
    if not isinstance(request.data, dict):
        raise BadInputError("the body is not a JSON object")
    if namespace is not None:
        _put_into(namespace, request.data)
    manifest = read([_source(request)])
    if len(manifest.objects) != 1:
        unread = [*(item.ref.kind for item in manifest.unsupported), "nothing that EGX reads"]
        raise BadInputError(f"the body holds {unread[0]}", hint="it is one Gateway API object")
    return manifest.objects[0]


def _put_into(namespace: str, data: dict[str, Any]) -> None:
    """Of an object that names no namespace, the address does."""
    metadata = data.get("metadata")
    if isinstance(metadata, dict):
        metadata.setdefault("namespace", namespace)


def _source(request: Request) -> Source:
    # JSON is YAML, so the one reader of manifests reads it, with its limits.
    return Source(name="body", text=json.dumps(request.data, indent=1))
