"""The operations of KMS that the local cloud supports."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(service="kms", name="DescribeKey", api="RPC Kms 2016-01-20"),
    Operation(
        service="kms",
        name="GetKmsInstance",
        api="RPC Kms 2016-01-20",
        notes="every id that starts with kst- exists, unless a fault removes it",
    ),
    Operation(
        service="kms",
        name="GetSecretValue",
        api="RPC Kms 2016-01-20",
        notes="no DryRun, FetchExtendedConfig or Recipient",
    ),
    Operation(service="kms", name="DescribeSecret", api="RPC Kms 2016-01-20", notes="without tags"),
)
