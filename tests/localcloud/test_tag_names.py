"""Resource names in the ARNs of the local Tag service."""

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
def test_arn_uses_the_singular_of_the_table_name(table: str, one: str) -> None:
    assert singular(table) == one
