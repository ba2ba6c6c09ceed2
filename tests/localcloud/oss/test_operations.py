"""The table of operations."""

from __future__ import annotations

from localcloud.oss.application import ROUTES
from localcloud.oss.operations import OPERATIONS


def test_each_operation_has_one_name_and_one_address() -> None:
    assert len({item.name for item in OPERATIONS}) == len(OPERATIONS)
    assert len({item.api for item in OPERATIONS}) == len(OPERATIONS)


def test_a_ram_action_or_the_handler_authorizes_every_operation() -> None:
    without = [route.name for route in ROUTES if route.ram_action is None]
    assert without == ["DeleteMultipleObjects"]
    assert all(route.ram_action.startswith("oss:") for route in ROUTES if route.ram_action)
