"""The names that containers have in EGX's network."""

from __future__ import annotations

from gateways.spec.base import LABEL_LENGTH, NAME_LENGTH
from gateways.spec.containers import LONGEST, alias_of, is_identity


def test_the_longest_name_of_a_service_is_a_name_that_dns_can_have() -> None:
    longest = "a" * LONGEST + "/" + "b" * LONGEST
    assert is_identity(longest)
    alias = alias_of(longest)
    assert len(alias) <= NAME_LENGTH
    assert max(map(len, alias.split("."))) <= LABEL_LENGTH
