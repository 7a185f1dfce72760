"""One document into its typed object, or into all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from typing import TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from gateways.manifests.document import API_VERSION, KIND, METADATA, Document
from gateways.manifests.explain import Finding, explain, own_words
from gateways.manifests.nodes import Path
from gateways.manifests.shape import without_nulls
from gateways.spec.base import ManifestObject, ObjectMeta, Part, Problem
from gateways.spec.objects import ADDRESS_ANNOTATION, Address, Service

P = TypeVar("P", bound=Part)
M = TypeVar("M", bound=ManifestObject)
Json = dict[str, JsonValue]

_GENERATE_NAME = "generateName"
_ADDED_BY_CLUSTERS = frozenset({
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generation",
    "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid",
})  # fmt: skip
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_ADDRESS: TypeAdapter[str] = TypeAdapter(Address)


def read_object(document: Document, cls: type[M], *, most: int) -> tuple[M | None, list[Problem]]:
    """The document as an object of the class, or about the first `most` problems with it."""
    body, found = _desired(document)
    for name in (API_VERSION, KIND):
        body.pop(name, None)
    if cls is Service:
        body = _only_ports(body)
    item, more = _validated(document, cls, body)
    if isinstance(item, Service):
        more = _address(item)
    problems = _problems(document, chain(found, more), most)
    return None if problems else item, problems


def read_metadata(document: Document, *, most: int) -> tuple[Json, list[Problem]]:
    """The document as plain data, for a kind of which only the metadata is checked."""
    body, found = _desired(document)
    more: Iterable[Finding] = [Finding((METADATA,), f"the required field '{METADATA}' is missing")]
    if METADATA in body:
        _, more = _validated(document, ObjectMeta, body[METADATA], at=(METADATA,))
    return body, _problems(document, chain(found, more), most)


def _desired(document: Document) -> tuple[Json, list[Finding]]:
    """Without what a cluster has added: a manifest is often what `kubectl get -o yaml` printed."""
    body = document.node.json()
    body = {key: value for key, value in body.items() if key != "status"} if isinstance(body, dict) else {}
    metadata = body.get(METADATA)
    if not isinstance(metadata, dict):
        return body, []
    metadata = {key: value for key, value in metadata.items() if key not in _ADDED_BY_CLUSTERS}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != _LAST_APPLIED}
    if not metadata.get("namespace", True):
        del metadata["namespace"]
    generated = metadata.pop(_GENERATE_NAME, None)
    found = []
    if generated is not None and not metadata.get("name"):
        message = f"{_GENERATE_NAME} is not supported: the next apply could not tell which object is meant"
        found.append(Finding((METADATA, _GENERATE_NAME), message, "give it a name"))
        metadata["name"] = "generated"  # so that it is not called missing as well
    return {**body, METADATA: metadata}, found


def _only_ports(body: Json) -> Json:
    """A Service without what only a cluster can use."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return body
    rest = {key: value for key, value in body.items() if key != "spec"}
    ports = spec.get("ports")
    return {**rest, "spec": {"ports": ports}} if ports is not None else rest


def _address(service: Service) -> Iterable[Finding]:
    try:
        if service.address is not None:
            _ADDRESS.validate_python(service.address)
    except ValidationError as error:
        path = (METADATA, "annotations", ADDRESS_ANNOTATION)
        yield Finding(path, own_words(service.address, error.errors()[0]["ctx"]["error"]))


def _validated(
    document: Document, model: type[P], value: JsonValue, *, at: Path = ()
) -> tuple[P | None, Iterable[Finding]]:
    try:
        return model.model_validate(without_nulls(model, value), by_alias=True, by_name=False), ()
    except ValidationError as error:
        return None, explain(error, model, document.node, at=at)


def _problems(document: Document, found: Iterable[Finding], most: int) -> list[Problem]:
    """What is wrong with the YAML and with what it says, by line; of two things at one place, the YAML."""
    issues = document.yaml_problems(most)
    wrong = {path for path, _ in issues}
    problems = [problem for _, problem in issues]
    causes = (finding for finding in found if not any(path in wrong for path in _prefixes(finding.path)))
    problems += [document.problem(item.path, item.message, item.hint) for item in islice(causes, most)]
    return sorted(problems, key=lambda problem: problem.line)


def _prefixes(path: Path) -> Iterable[Path]:
    return (path[:length] for length in range(len(path) + 1))
