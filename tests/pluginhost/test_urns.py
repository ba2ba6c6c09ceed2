"""The type of a resource, read from its URN."""

from __future__ import annotations

import pytest

from pluginhost import type_of


@pytest.mark.parametrize(
    "types",
    [
        "alicloud:vpc/network:Network",
        "customrag:network:Network$alicloud:vpc/network:Network",
        "a:b:C$customrag:network:Network$alicloud:vpc/network:Network",
    ],
)
def test_the_types_of_parents_are_removed(types: str) -> None:
    urn = f"urn:pulumi:local::project::{types}::name::with$signs"
    assert type_of(urn) == "alicloud:vpc/network:Network"


def test_a_text_that_is_not_a_urn_is_refused() -> None:
    with pytest.raises(ValueError, match="not the URN of a resource"):
        type_of("urn:pulumi:local")
