"""Manifests that wish us ill are refused quickly, in little memory, and with nothing but ManifestError."""

from __future__ import annotations

import contextlib
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.manifests.limits import Limits
from gateways.manifests.reader import ManifestError, Source, read

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: eg}
spec:
  gatewayClassName: eg
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def chain(levels: int) -> str:
    """Aliases that are few when expanded, and nested without end."""
    return "a0: &a0 [[[[x]]]]\n" + "\n".join(f"a{n}: &a{n} [[[[*a{n - 1}]]]]" for n in range(1, levels))


def merging_bomb(levels: int) -> str:
    lines = ["a0: &a0 {x: 1, 1: 2}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels)]
    return "\n".join(lines)


HOSTILE = {
    "a bomb of aliases": (bomb(9, 10), "more than 200,000 values"),
    "a bomb of merges": (merging_bomb(60), "more than 200,000 values"),
    "a chain of aliases": (chain(50), "nested more than 64 deep"),
    "a long text repeated": (f"a: &a {'x' * 1_000_000}\nb: [{'*a, ' * 1000}]", "more than 4,194,304 characters"),
    "nested lists": ("[" * 100_000, "nested more than 64 deep"),
    "nested lists on lines": ("[\n" * 100_000, "nested more than 64 deep"),
    "nested mappings": ("{a: " * 100_000, "nested more than 64 deep"),
    "nested blocks": ("- " * 100_000, "nested more than 64 deep"),
    "nested keys": ("? " * 100_000, "nested more than 64 deep"),
    "many values": (f"[{'1,' * 2_000_000}]", "more than 200,000 values"),
    "many keys": ("\n".join(f"k{n}: {n}" for n in range(150_000)), "more than 200,000 values"),
    "many objects": (f"---\n{POD}" * 2_001, "more than 2,000 objects"),
    "many items": ("kind: List\napiVersion: v1\nitems: &a\n- {}\n" + "- {}\n" * 2_001, "the required field"),
    "many empty documents": ("---\n" * 500_000, "more than 200,000 values"),
    "many directives": ("".join(f"%TAG !a{n}! x\n" for n in range(200_000)), "%TAG directives"),
    "a large file": ("#" * (4 * 1024 * 1024 + 1), "4,194,305 bytes are too much"),
    "a large file of wide characters": ("é" * (2 * 1024 * 1024 + 1), "4,194,306 bytes are too much"),
    "many unknown fields": (GATEWAY + "".join(f"  portt{n}: 1\n" for n in range(60_000)), "unknown field"),
    "many repeated keys": (GATEWAY + "  a: 1\n" * 60_000, "given twice"),
    "a long unknown field": (f"{GATEWAY}  ? {'listeners' * 200_000}\n  : 1\n", "unknown field"),
    "a long value": (GATEWAY.replace("80", f"'{'8' * 2_000_000}'"), "must be a whole number"),
    "a long number": (GATEWAY.replace("80", "8" * 2_000_000), "must be a whole number"),
    "a long name": (GATEWAY.replace("name: eg", f"name: {'e' * 2_000_000}"), "must be lower case"),
    "a long kind": (GATEWAY.replace("kind: Gateway", f"kind: {'Gateway' * 200_000}"), "does not know the kind"),
    "a long tag": (f"a: !{'x' * 2_000_000} b", "the tag"),
    "a long address": (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: a, annotations: {{egx.dev/address: {'a-' * 1_000_000}}}}}",
        "must be host or host:port",
    ),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_quickly(text: str, message: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ManifestError) as raised:
        read([Source("a.yaml", text)])
    # The slowest takes half a second on the machine where this was written; the rest is for slower ones.
    assert time.perf_counter() - started < 5
    told = [str(problem) for problem in raised.value.problems]
    assert message in " ".join(told)
    assert all(len(line) < 1_000 for line in told)


@pytest.mark.parametrize("name", ["a bomb of aliases", "nested lists", "a long text repeated"])
def test_hostile_text_takes_little_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError):
            read([Source("a.yaml", HOSTILE[name][0])])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * 1024 * 1024


def test_limits_count_all_sources_together() -> None:
    with pytest.raises(ManifestError) as raised:
        read([Source("a", POD), Source("b", POD), Source("c", POD)], limits=Limits(objects=2))
    (problem,) = raised.value.problems
    assert (problem.source, problem.message) == ("c", "more than 2 objects")


def test_what_is_just_within_the_limits_is_read() -> None:
    deep = "[" * 60 + "]" * 60
    assert len(read([Source("a", f"{POD}spec: {deep}\n")]).ignored) == 1
    assert len(read([Source("a", f"---\n{POD}" * 2_000)]).ignored) == 2_000


_FRAGMENTS = st.sampled_from([
    "\n", "\n  ", "\n- ", "---\n", "...\n", ": ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "<<: ", "!!str ", "!x ",
    "'", '"', "|\n ", ">\n ", "#", "%", "\t", "\x00", "\ufeff", "a", "1", "yes", "null", "kind: List\n", "items:\n",
    "apiVersion: v1\n", "kind: Service\n", "metadata: {name: a}\n", "metadata: ", "spec: ", "annotations: ", GATEWAY,
])  # fmt: skip


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_FRAGMENTS, max_size=25).map("".join))
def test_no_text_fails_in_any_other_way(text: str) -> None:
    with contextlib.suppress(ManifestError):
        read([Source("a.yaml", text)])


_VALUES = st.sampled_from(
    ["1", "yes", "null", "[]", "{}", "[1]", "{a: b}", "''", "x", "!!x 1", "*a", "-1", "[null]", "1.5"]
)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["eg", "http", "80", "HTTP", "Gateway", "{name: eg}", GATEWAY[GATEWAY.index("[") : -1]]), _VALUES
)
def test_no_value_in_any_place_fails_in_any_other_way(place: str, value: str) -> None:
    with contextlib.suppress(ManifestError):
        read([Source("a.yaml", GATEWAY.replace(place, value))])
