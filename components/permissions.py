"""Builders of RAM policies, in which every permission has a reason. Pure.

Owns: policy and trust documents. Does not own: roles and attachments (`components.identity`).
Source: RAM policy language,
https://www.alibabacloud.com/help/en/ram/user-guide/policy-structure-and-syntax, and the RAM
reference of each product, read 2026-11-21. No statement has `*` as its action. A statement has `*`
as its resource only if the API has no resource level, and its reason says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "DOCUMENTS",
    "Statement",
    "account_trust_document",
    "describe_key",
    "document_of",
    "oidc_trust_document",
    "policy_document",
    "policy_documents",
    "read_objects",
    "read_secret",
    "replicate_from",
    "replicate_to",
    "trust_document",
    "use_key",
    "write_objects",
]

_POLICY_VERSION = "1"
_MAX_CHARACTERS = 6144
# The service in an action's name, to the product and version in the API's reference.
_APIS = {
    "alb": "Alb/2020-06-16",
    "cms": "Cms/2019-01-01",
    "ecs": "Ecs/2014-05-26",
    "elasticsearch": "elasticsearch/2017-06-13",
    "ess": "Ess/2022-02-22",
    "kms": "Kms/2016-01-20",
    "log": "Sls/2020-12-30",
    "oss": "Oss/2019-05-17",
    "paidataset": "AIWorkSpace/2021-02-04",
    "paidlc": "pai-dlc/2020-12-03",
    "paimodel": "AIWorkSpace/2021-02-04",
    "paiworkspace": "AIWorkSpace/2021-02-04",
    "quotas": "quotas/2020-05-10",
    "ram": "Ram/2015-05-01",
    "sts": "Sts/2015-04-01",
    "tag": "Tag/2018-08-28",
    "vpc": "Vpc/2016-04-28",
    "yundun-cert": "cas/2020-04-07",
}
DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {service: f"https://api.aliyun.com/document/{api}/overview" for service, api in _APIS.items()}
)
"""The service in an action's name, to the reference of its operations and their permissions."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One Allow statement.

    Attributes:
        actions: RAM actions, e.g. `oss:GetObject`.
        resources: RAM resource names (ARNs), e.g. `acs:oss:*:*:bucket/prefix/*`.
        reason: Why the role needs it, for reviewers of the policy.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str

    def __post_init__(self) -> None:
        for action in self.actions:
            service, _, verb = action.partition(":")
            if not service or not verb or verb == "*" or service == "*":
                raise ValueError(
                    f"action {action!r} is not allowed; name each action as service:Verb, for "
                    "example 'oss:GetObject'"
                )


def read_objects(bucket: str, prefix: str, *, reason: str) -> Statement:
    """Allow listing and reading the objects below `prefix` of `bucket`."""
    return Statement(
        actions=("oss:GetObject", "oss:ListObjects", "oss:GetBucketInfo"),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/{prefix}*"),
        reason=reason,
    )


def write_objects(bucket: str, prefix: str, *, reason: str) -> Statement:
    """Allow listing, reading, writing and deleting the objects below `prefix` of `bucket`."""
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
    """Allow reading the value of one KMS secret."""
    return Statement(
        actions=("kms:GetSecretValue",),
        resources=(f"acs:kms:{region_id}:{account_id}:secret/{secret_name}",),
        reason=reason,
    )


def replicate_from(bucket: str) -> Statement:
    """Allow OSS to read the objects that it copies to another region.

    Source: https://www.alibabacloud.com/help/en/oss/user-guide/introduction-to-data-replication-permissions,
    read 2026-11-21.
    """
    return Statement(
        actions=("oss:ReplicateList", "oss:ReplicateGet"),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"),
        reason="reads the objects that are copied",
    )


def replicate_to(bucket: str) -> Statement:
    """Allow OSS to write copies, but not to delete them. Source: see `replicate_from`."""
    return Statement(
        actions=("oss:ReplicateList", "oss:ReplicateGet", "oss:ReplicatePut"),
        resources=(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"),
        reason="writes the copies",
    )


def describe_key(key_arn: str, *, reason: str) -> Statement:
    """Allow checking whether a KMS key exists and is enabled."""
    return Statement(actions=("kms:DescribeKey",), resources=(key_arn,), reason=reason)


def use_key(key_arn: str, *, reason: str) -> Statement:
    """Allow creating and decrypting data keys with a KMS key, but not managing it.

    Source: https://www.alibabacloud.com/help/en/oss/user-guide/server-side-encryption-8, "Notes",
    read 2026-11-21.
    """
    return Statement(
        actions=("kms:GenerateDataKey", "kms:Decrypt"), resources=(key_arn,), reason=reason
    )


def policy_document(statements: Sequence[Statement]) -> str:
    """Return the RAM policy with `statements` as canonical JSON, equal in every run.

    Raises:
        ValueError: `statements` is empty.
    """
    if not statements:
        raise ValueError(
            "statements is empty; a RAM policy needs at least one statement, or leave it out"
        )
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


def policy_documents(statements: Sequence[Statement]) -> list[str]:
    """Return as few policies as possible for all statements, each with 6,144 characters at most.

    Source: https://www.alibabacloud.com/help/en/ram/product-overview/limits, read 2026-11-21.

    Raises:
        ValueError: `statements` is empty, or one statement alone is too long.
    """
    documents: list[str] = []
    held: list[Statement] = []
    for statement in statements:
        if held and len(policy_document([*held, statement])) > _MAX_CHARACTERS:
            documents.append(policy_document(held))
            held = []
        held.append(statement)
        if len(policy_document(held)) > _MAX_CHARACTERS:
            raise ValueError(
                f"the policy for the statement {statement.reason!r} has "
                f"{len(policy_document(held))} characters; at most {_MAX_CHARACTERS} are allowed, "
                "so split the statement"
            )
    return [*documents, policy_document(held)]


def trust_document(service: str) -> str:
    """Return the trust policy of a role that only the cloud service `service` may assume.

    Args:
        service: The service's principal, e.g. `ecs.aliyuncs.com`.
    """
    return _trust({"Service": [service]})


def oidc_trust_document(
    provider_arn: str, *, issuer_url: str, audience: str, subjects: Sequence[str]
) -> str:
    """Return the trust policy of a role that only certain tokens of an OIDC provider may assume.

    Source: https://www.alibabacloud.com/help/en/ram/user-guide/create-a-ram-role-for-a-trusted-idp,
    read 2026-11-21.

    Args:
        provider_arn: ARN of the OIDC provider in RAM.
        issuer_url: Required `iss` of the token.
        audience: Required `aud` of the token.
        subjects: Allowed values of `sub`, each complete: `repo:org/name:environment:dev`.

    Raises:
        ValueError: `subjects` is empty, or one has a wildcard, which would admit other tokens.
    """
    wrong = [subject for subject in subjects if "*" in subject or "?" in subject]
    if wrong or not subjects:
        raise ValueError(
            f"subjects is {list(subjects)}; name each subject completely, without wildcards, for "
            "example repo:org/name:environment:dev"
        )
    return _trust(
        {"Federated": [provider_arn]},
        {
            "StringEquals": {
                "oidc:aud": audience,
                "oidc:iss": issuer_url,
                "oidc:sub": list(subjects),
            }
        },
    )


def account_trust_document(principals: Sequence[str]) -> str:
    """Return the trust policy of a role that people assume through STS.

    Args:
        principals: ARNs of the account's RAM roles (from single sign-on) that may assume it.

    Raises:
        ValueError: `principals` is empty, or one is not a single role, such as an account's root.
    """
    wrong = [name for name in principals if "*" in name or ":role/" not in name]
    if wrong or not principals:
        raise ValueError(
            f"principals is {list(principals)}; each must be the ARN of one role, for example "
            "acs:ram::1234567890123456:role/platform-team"
        )
    return _trust({"RAM": list(principals)})


def document_of(action: str) -> str:
    """Return the URL of the cloud's reference for an action.

    Raises:
        ValueError: The service of the action is not in `DOCUMENTS`.
    """
    service = action.partition(":")[0]
    if service not in DOCUMENTS:
        raise ValueError(
            f"action {action!r} belongs to service {service!r}, which has no reference; add it to "
            "DOCUMENTS in components/permissions.py"
        )
    return DOCUMENTS[service]


def _trust(
    principal: Mapping[str, Sequence[str]], condition: Mapping[str, object] | None = None
) -> str:
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": dict(principal),
    }
    if condition is not None:
        statement["Condition"] = dict(condition)
    return _canonical({"Version": _POLICY_VERSION, "Statement": [statement]})


def _canonical(document: dict[str, object]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
