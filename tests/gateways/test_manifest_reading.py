from __future__ import annotations

import json
from textwrap import indent

import pytest

from gateways.manifests.reader import Manifest, Source, read
from gateways.spec.base import ObjectRef
from gateways.spec.objects import Backend, Gateway, HTTPRoute, Service

QUICKSTART = """\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: eg
spec:
  controllerName: gateway.envoyproxy.io/gatewayclass-controller
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: eg
spec:
  gatewayClassName: eg
  listeners:
    - name: http
      protocol: HTTP
      port: 8080
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: echo
---
apiVersion: v1
kind: Service
metadata:
  name: echo
  labels:
    app: echo
  annotations:
    egx.dev/address: 127.0.0.1:3001
spec:
  clusterIP: 10.0.0.7
  type: ClusterIP
  ports:
    - name: http
      port: 3000
      targetPort: 3000
  selector:
    app: echo
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: echo
spec:
  replicas: 1
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo, on: y}}
    spec:
      serviceAccountName: echo
      containers:
        - {name: echo, image: registry.example/echo, ports: [{containerPort: 3000}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: backend
spec:
  parentRefs:
    - name: eg
  hostnames: ["www.example.com"]
  rules:
    - backendRefs:
        - {group: "", kind: Service, name: echo, port: 3000, weight: 1}
      matches:
        - path: {type: PathPrefix, value: /}
"""

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: eg}
spec:
  gatewayClassName: eg
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""


def read_text(*texts: str) -> Manifest:
    return read([Source(f"{number}.yaml", text) for number, text in enumerate(texts, start=1)])


def refs(manifest: Manifest) -> list[str]:
    return [str(item.ref) for item in manifest.objects]


def test_the_objects_of_a_quickstart_are_read_in_their_order() -> None:
    manifest = read_text(QUICKSTART)
    gateway, service, route = manifest.objects
    assert isinstance(gateway, Gateway)
    assert gateway.spec.listeners[0].port == 8080
    assert isinstance(service, Service)
    assert isinstance(route, HTTPRoute)
    assert route.spec.rules[0].backend_refs[0].name == "echo"
    assert manifest.unsupported == ()


def test_what_has_no_meaning_outside_kubernetes_is_ignored_with_a_warning_each() -> None:
    ignored = read_text(QUICKSTART).ignored
    assert [(str(item.ref), item.line, item.severity) for item in ignored] == [
        ("GatewayClass eg", 1, "warning"),
        ("ServiceAccount echo", 19, "warning"),
        ("Deployment echo", 42, "warning"),
    ]
    assert str(ignored[2]) == ("1.yaml:42: Deployment echo: is ignored: EGX routes traffic, it does not run workloads")


def test_what_is_ignored_cannot_write_to_the_terminal() -> None:
    (ignored,) = read_text('{apiVersion: apps/v1, kind: "\\e[2J", metadata: {name: "\\e[0m"}}').ignored
    assert str(ignored).isprintable()


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Namespace"),
        ("v1", "Pod"),
        ("v1", "Endpoints"),
        ("batch/v1", "Job"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
        ("policy/v1", "PodDisruptionBudget"),
    ],
)
def test_kubernetes_own_kinds_are_ignored(api_version: str, kind: str) -> None:
    manifest = read_text(f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\nanything: {{on: 1}}\n")
    assert [str(item.ref) for item in manifest.ignored] == [f"{kind} a"]


def test_of_a_service_only_the_ports_and_the_address_are_kept() -> None:
    service = read_text(QUICKSTART).objects[1]
    assert isinstance(service, Service)
    assert service.address == "127.0.0.1:3001"
    assert service.as_written()["spec"] == {"ports": [{"name": "http", "port": 3000, "targetPort": 3000}]}


def test_a_service_without_an_address_is_an_object_too() -> None:
    manifest = read_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: None, ports: null}")
    assert manifest.objects == (Service.model_validate({"metadata": {"name": "a"}}),)
    assert isinstance(manifest.objects[0], Service)
    assert manifest.objects[0].address is None


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy"),
        ("gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy"),
        ("gateway.envoyproxy.io/v1alpha1", "EnvoyProxy"),
        ("gateway.networking.k8s.io/v1", "GRPCRoute"),
        ("gateway.networking.k8s.io/v1alpha2", "TCPRoute"),
        ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
    ],
)
def test_kinds_that_are_known_and_not_read_are_handed_to_the_caller(api_version: str, kind: str) -> None:
    text = f"""\
apiVersion: {api_version}
kind: {kind}
metadata: {{name: a, namespace: b, uid: x}}
spec: {{anything: [1, yes]}}
status: {{}}
"""
    (unread,) = read_text(text).unsupported
    assert unread.ref == ObjectRef(kind=kind, namespace="b", name="a")
    assert unread.document == {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "a", "namespace": "b"},
        "spec": {"anything": [1, True]},
    }


def test_the_contents_of_a_secret_do_not_show_when_it_is_printed() -> None:
    manifest = read_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}")
    assert "hunter2" not in repr(manifest)


def test_an_older_api_version_is_read_as_well() -> None:
    assert refs(read_text(GATEWAY.replace("/v1", "/v1beta1"))) == ["Gateway eg"]


def test_the_items_of_a_list_are_objects() -> None:
    item = indent(GATEWAY, "    ")
    manifest = read_text(f"apiVersion: v1\nkind: List\nmetadata: {{resourceVersion: ''}}\nitems:\n  -\n{item}")
    assert refs(manifest) == ["Gateway eg"]
    assert manifest.locate(manifest.objects[0].ref, ("spec", "gatewayClassName")) == ("1.yaml", 10)


def test_the_items_of_a_typed_list_need_not_repeat_its_kind() -> None:
    item = {"metadata": {"name": "a"}, "spec": {"endpoints": [{"fqdn": {"hostname": "a", "port": 1}}]}}
    backends = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "BackendList", "items": [item]}
    (backend,) = read_text(json.dumps(backends)).objects
    assert isinstance(backend, Backend)


def test_an_empty_list_is_no_object() -> None:
    assert read_text("apiVersion: v1\nkind: List\nitems: []") == Manifest()


def test_json_is_yaml() -> None:
    text = json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "eg", "annotations": {"a": 'é "\\\n'}},
            "spec": {
                "gatewayClassName": "eg",
                "listeners": [{"name": "a", "port": 80, "protocol": "HTTP"}],
            },
        },
        indent="\t",
        ensure_ascii=False,
    )
    (gateway,) = read_text(text).objects
    assert gateway.metadata.annotations == {"a": 'é "\\\n'}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n---\n...\n---\n# nothing\n", "null", "~"])
def test_empty_documents_are_nothing(text: str) -> None:
    assert read_text(text) == Manifest()


def test_empty_documents_between_others_are_skipped() -> None:
    assert refs(read_text(f"---\n---\n# first\n---\n{GATEWAY}---\n")) == ["Gateway eg"]


def test_a_byte_order_mark_is_skipped() -> None:
    assert refs(read_text("\ufeff" + GATEWAY)) == ["Gateway eg"]


def test_windows_line_ends_are_read() -> None:
    assert refs(read_text(GATEWAY.replace("\n", "\r\n"))) == ["Gateway eg"]


def test_what_a_cluster_added_is_dropped() -> None:
    text = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: eg
  namespace: shop
  uid: 7d7c
  resourceVersion: "12"
  generation: 3
  creationTimestamp: 2025-01-01T00:00:00Z
  selfLink: /a
  finalizers: [a]
  ownerReferences: [{kind: A}]
  managedFields: [{manager: kubectl, operation: Update}]
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"a": 1}'
    mine: kept
spec:
  gatewayClassName: eg
  listeners: [{name: http, port: 80, protocol: HTTP}]
status:
  conditions: [{type: Accepted}]
"""
    (gateway,) = read_text(text).objects
    assert gateway.as_written()["metadata"] == {
        "name": "eg",
        "namespace": "shop",
        "annotations": {"mine": "kept"},
    }


def test_a_field_that_is_null_is_not_set() -> None:
    text = GATEWAY.replace("protocol: HTTP", "protocol: HTTP, hostname: null, allowedRoutes: {kinds: }")
    (gateway,) = read_text(text.replace("{name: eg}", "{name: eg, namespace: '', labels: }")).objects
    assert isinstance(gateway, Gateway)
    assert gateway.metadata.namespace == "default"
    assert gateway.spec.listeners[0].as_written() == {
        "name": "http",
        "port": 80,
        "protocol": "HTTP",
        "allowedRoutes": {},
    }


def test_null_inside_free_json_is_kept() -> None:
    (gateway,) = read_text(GATEWAY + "  infrastructure: {labels: {a: null}}\n").objects
    assert gateway.as_written()["spec"]["infrastructure"] == {"labels": {"a": None}}


def test_anchors_and_merge_keys_are_followed() -> None:
    text = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: eg}
spec:
  gatewayClassName: eg
  listeners:
    - &http {name: http, port: 80, protocol: HTTP}
    - <<: *http
      name: other
      port: 81
    - <<: [{name: third, port: 82}, *http]
"""
    (gateway,) = read_text(text).objects
    assert isinstance(gateway, Gateway)
    assert [(item.name, item.port, item.protocol) for item in gateway.spec.listeners] == [
        ("http", 80, "HTTP"),
        ("other", 81, "HTTP"),
        ("third", 82, "HTTP"),
    ]


def test_several_sources_are_one_manifest() -> None:
    manifest = read_text(GATEWAY, GATEWAY.replace("name: eg}", "name: other}"))
    assert refs(manifest) == ["Gateway eg", "Gateway other"]
    assert manifest.locate(manifest.objects[1].ref) == ("2.yaml", 1)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 8),
        (("metadata", "name"), 11),
        (("spec", "listeners", 0, "port"), 17),
        (("spec", "listeners", 0, "hostname"), 15),
        (("spec", "listeners", 5, "port"), 14),
        (("spec", "listeners", "port"), 14),
        (("status",), 8),
    ],
)
def test_a_place_in_an_object_has_the_line_of_its_nearest_part(path: tuple[str | int, ...], line: int) -> None:
    ref = ObjectRef(kind="Gateway", namespace="default", name="eg")
    assert read_text(QUICKSTART).locate(ref, path) == ("1.yaml", line)


def test_an_object_that_is_not_there_has_no_place() -> None:
    assert read_text(GATEWAY).locate(ObjectRef(kind="Gateway", namespace="x", name="eg"), ("spec",)) == ("", 0)
