"""The operations of RAM that the local cloud answers."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="ram",
        name="GetRole",
        api="RPC Ram 2015-05-01",
        notes="roles that services act in are there from the start; nothing acts in them",
    ),
)
