"""The operations of Tag that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="tag",
        name="ListTagResources",
        api="RPC Tag 2018-08-28",
        notes="by Tags, Category Custom; no ResourceARN",
    ),
)
