"""The operations of RAM that the local cloud supports."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="ram",
        name="GetRole",
        api="RPC Ram 2015-05-01",
        notes="service roles always exist, but no service uses them",
    ),
)
