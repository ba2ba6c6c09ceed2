"""The table of operations."""

from __future__ import annotations

from localcloud.oss.application import ROUTES
from localcloud.oss.operations import OPERATIONS


def test_operations_have_one_name_and_one_address_each() -> None:
    assert len({item.name for item in OPERATIONS}) == len(OPERATIONS)
    assert len({item.api for item in OPERATIONS}) == len(OPERATIONS)


def test_every_operation_is_authorized_by_a_ram_action_or_by_its_handler() -> None:
    without = [route.name for route in ROUTES if route.action is None]
    assert without == ["DeleteMultipleObjects"]
    assert all(route.action.startswith("oss:") for route in ROUTES if route.action)
