"""The names that the local Tag service gives things in their ARNs."""

from __future__ import annotations

import pytest

from localcloud.tag.rpc import singular


@pytest.mark.parametrize(
    ("table", "one"),
    [
        ("instances", "instance"),
        ("policies", "policy"),
        ("vswitches", "vswitch"),
        ("addresses", "address"),
        ("", ""),
    ],
)
def test_an_arn_names_one_thing_of_a_table(table: str, one: str) -> None:
    assert singular(table) == one
