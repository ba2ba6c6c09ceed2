"""The operations of the local OSS for the coverage table, read from the server's routes."""

from __future__ import annotations

from localcloud.core.operations import Operation
from localcloud.oss.application import ROUTES
from localcloud.oss.s3 import OPERATIONS as S3_OPERATIONS

OPERATIONS = (
    *(
        Operation(service="oss", name=route.name, api=route.api, notes=route.notes)
        for route in ROUTES
    ),
    Operation(
        service="oss",
        name="S3-compatible API",
        api="AWS4-HMAC-SHA256 (headers)",
        notes=f"{len(S3_OPERATIONS)} of the operations above, with S3's header names. The path may "
        "contain the bucket. No presigned URLs; no aws-chunked bodies, as in OSS.",
    ),
)
