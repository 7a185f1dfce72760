"""What every kind is to EGX: read, known but left to the caller, Kubernetes' own, or unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gateways.spec.base import ManifestObject
from gateways.spec.objects import ENVOY_GATEWAY, GATEWAY_API, READ_KINDS

READ: dict[str, type[ManifestObject]] = {kind.KIND: kind for kind in READ_KINDS}

_EXPERIMENTAL = "gateway.networking.x-k8s.io"
UNREAD: dict[str, str] = {
    **dict.fromkeys(("ConfigMap", "Secret"), ""),
    **dict.fromkeys(("GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"), GATEWAY_API),
    **dict.fromkeys(("BackendLBPolicy", "BackendTLSPolicy", "ListenerSet", "ReferenceGrant"), GATEWAY_API),
    **dict.fromkeys(("XBackendTrafficPolicy", "XListenerSet", "XMesh"), _EXPERIMENTAL),
    **dict.fromkeys(("BackendTrafficPolicy", "ClientTrafficPolicy", "SecurityPolicy"), ENVOY_GATEWAY),
    **dict.fromkeys(("EnvoyExtensionPolicy", "EnvoyPatchPolicy", "HTTPRouteFilter"), ENVOY_GATEWAY),
    **dict.fromkeys(("EnvoyGateway", "EnvoyProxy"), ENVOY_GATEWAY),
}
"""Kinds that are not read here, with the API group of each."""

_WORKLOADS = ("CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet")
_PERMISSIONS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount")
_NO_WORKLOADS = "EGX routes traffic, it does not run workloads"
_NO_PERMISSIONS = "Kubernetes' permissions have no meaning here"
_OUTSIDE = "it has no meaning outside a Kubernetes cluster"
_REASONS: dict[str, str] = {
    "GatewayClass": "EGX itself decides what serves a Gateway",
    "Namespace": "a namespace is there as soon as an object names it",
    "Ingress": "EGX serves Gateway API; write it as an HTTPRoute",
    **dict.fromkeys(_WORKLOADS, _NO_WORKLOADS),
    **dict.fromkeys(_PERMISSIONS, _NO_PERMISSIONS),
}
_CORE_IGNORED = frozenset({
    "Binding", "ComponentStatus", "Endpoints", "Event", "LimitRange", "Node", "PersistentVolume",
    "PersistentVolumeClaim", "PodTemplate", "ReplicationController", "ResourceQuota",
})  # fmt: skip
_KUBERNETES_GROUPS = frozenset({"apps", "autoscaling", "batch", "extensions", "policy"})


def group_of(api_version: str) -> str:
    """The API group; empty for Kubernetes' core."""
    return api_version.rpartition("/")[0]


def why_ignored(api_version: str, kind: str) -> str:
    """Why an object of Kubernetes itself has no meaning here; empty if it may have one."""
    if kind in _REASONS:
        return _REASONS[kind]
    group = group_of(api_version)
    if group == "":
        return _OUTSIDE if kind in _CORE_IGNORED else ""
    foreign = group in _KUBERNETES_GROUPS or group.endswith(".k8s.io")
    return _OUTSIDE if foreign and group not in {GATEWAY_API, _EXPERIMENTAL} else ""


def right_version(kind: str) -> str:
    """How the apiVersion of a known kind should read; empty for an unknown kind."""
    if kind in READ:
        return READ[kind].API_VERSIONS[0]
    if kind in UNREAD:
        return f"{UNREAD[kind]}/…" if UNREAD[kind] else "v1"
    return ""


def similar_kind(kind: str) -> str:
    return did_you_mean(kind, [*READ, *UNREAD, *_REASONS, "List"])


_LONGEST_NAME = 100


def did_you_mean(given: str, choices: Iterable[str]) -> str:
    """A hint that names the choice most like what was given; empty if none is."""
    if len(given) > _LONGEST_NAME:  # comparing takes time quadratic in the length
        return ""
    by_lower_case = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(given.lower().replace("_", ""), by_lower_case, n=1)
    return f"did you mean '{by_lower_case[found[0]]}'?" if found else ""
