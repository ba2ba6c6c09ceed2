"""Every RAM permission that this system grants, with its reason. Pure: documents in, JSON out.

Owns: policy and trust documents. Does not own: roles and attachments (`components.identity`).
Source: RAM policy language, https://www.alibabacloud.com/help/en/ram/user-guide/policy-structure-and-syntax
and the RAM reference of each product, read 2026-11-21. No statement names `*` as its action or its
resource, but where an API has no resource level the reason says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Statement",
    "describe_key",
    "policy_document",
    "read_objects",
    "read_secret",
    "replicate_from",
    "replicate_to",
    "trust_document",
    "use_key",
    "write_objects",
]

_POLICY_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One Allow statement.

    Attributes:
        actions: RAM actions, e.g. `oss:GetObject`.
        resources: RAM resource names (ARNs), e.g. `acs:oss:*:*:bucket/prefix/*`.
        reason: Why the holder needs it, for whoever reviews the grant.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str

    def __post_init__(self) -> None:
        for action in self.actions:
            service, _, verb = action.partition(":")
            if not service or not verb or verb == "*" or service == "*":
                raise ValueError(
                    f"action {action!r} is not allowed: name each one as service:Verb, "
                    "for instance 'oss:GetObject'"
                )


def read_objects(bucket: str, prefix: str, *, reason: str) -> Statement:
    """Lets the holder list and read what lies under `prefix` of `bucket`."""
    return Statement(
        actions=("oss:GetObject", "oss:ListObjects", "oss:GetBucketInfo"),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/{prefix}*"),
        reason=reason,
    )


def write_objects(bucket: str, prefix: str, *, reason: str) -> Statement:
    """Lets the holder also write and remove what lies under `prefix` of `bucket`."""
    return Statement(
        actions=(
            "oss:GetObject",
            "oss:PutObject",
            "oss:DeleteObject",
            "oss:AbortMultipartUpload",
            "oss:ListParts",
            "oss:ListObjects",
            "oss:GetBucketInfo",
        ),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/{prefix}*"),
        reason=reason,
    )


def read_secret(region_id: str, account_id: str, secret_name: str, *, reason: str) -> Statement:
    """Lets the holder read the value of one KMS secret."""
    return Statement(
        actions=("kms:GetSecretValue",),
        resources=(f"acs:kms:{region_id}:{account_id}:secret/{secret_name}",),
        reason=reason,
    )


def replicate_from(bucket: str) -> Statement:
    """Lets OSS read what it copies to another region.

    Source: https://www.alibabacloud.com/help/en/oss/user-guide/introduction-to-data-replication-permissions,
    read 2026-11-21.
    """
    return Statement(
        actions=("oss:ReplicateList", "oss:ReplicateGet"),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"),
        reason="reads the objects that are copied",
    )


def replicate_to(bucket: str) -> Statement:
    """Lets OSS write copies; not delete them, as deletions are not copied. Source as above."""
    return Statement(
        actions=("oss:ReplicateList", "oss:ReplicateGet", "oss:ReplicatePut"),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"),
        reason="writes the copies",
    )


def describe_key(key_arn: str, *, reason: str) -> Statement:
    """Lets the holder see of one KMS key whether it is there and enabled."""
    return Statement(actions=("kms:DescribeKey",), resources=(key_arn,), reason=reason)


def use_key(key_arn: str, *, reason: str) -> Statement:
    """Lets the holder have data keys made and opened by one KMS key; not manage it.

    Source: https://www.alibabacloud.com/help/en/oss/user-guide/server-side-encryption-8, "Notes",
    read 2026-11-21.
    """
    return Statement(
        actions=("kms:GenerateDataKey", "kms:Decrypt"), resources=(key_arn,), reason=reason
    )


def policy_document(statements: Sequence[Statement]) -> str:
    """The RAM policy that grants just `statements`, as canonical JSON (no diff between two runs).

    Raises:
        ValueError: There is nothing to grant.
    """
    if not statements:
        raise ValueError("a RAM policy needs at least one statement; leave the policy out instead")
    return _canonical(
        {
            "Version": _POLICY_VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": list(statement.actions),
                    "Resource": list(statement.resources),
                }
                for statement in statements
            ],
        }
    )


def trust_document(service: str) -> str:
    """The trust policy of a role that only the cloud service `service` may assume.

    Args:
        service: The service's principal, e.g. `ecs.aliyuncs.com`.
    """
    return _canonical(
        {
            "Version": _POLICY_VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": [service]},
                }
            ],
        }
    )


def _canonical(document: dict[str, object]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
