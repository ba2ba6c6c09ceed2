"""What an account is and may have: the caller, roles, quotas. Reads, except for ``assume_role``.

Owns the typed answers. APIs: Sts 2015-04-01 ``GetCallerIdentity``, ``AssumeRole``; Ram 2015-05-01
``GetRole``; quotas 2020-05-10 ``GetProductQuota`` (https://api.aliyun.com/document, read
2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .credentials import AccessKey
from .errors import NotFoundError
from .generic import GenericClient

__all__ = [
    "Identity",
    "Quota",
    "Session",
    "assume_role",
    "caller_identity",
    "product_quota",
    "role_exists",
]

_STS, _RAM, _QUOTAS = "2015-04-01", "2015-05-01", "2020-05-10"
_SESSION_SECONDS: Final = 900  # The shortest that AssumeRole gives.


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who calls.

    Attributes:
        account_id: The account, 16 digits.
        arn: Of the caller.
        kind: ``Account``, ``RAMUser`` or ``AssumedRoleUser``.
    """

    account_id: str
    arn: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session of a role.

    Attributes:
        key: Signs as the role.
        ends_at: When it is over, as STS writes it.
    """

    key: AccessKey
    ends_at: str


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A quota of Quota Center.

    Attributes:
        total: What the account may have.
        used: What it has.
        unit: What is counted, as Quota Center writes it.
        adjustable: Whether more can be applied for.
    """

    total: float
    used: float
    unit: str
    adjustable: bool


def caller_identity(sts: GenericClient) -> Identity:
    """Who the credentials belong to.

    Raises:
        ClientError: They are wrong or over, or STS cannot be reached.
    """
    body = sts.rpc("GetCallerIdentity", _STS)
    return Identity(
        account_id=str(body.get("AccountId", "")),
        arn=str(body.get("Arn", "")),
        kind=str(body.get("IdentityType", "")),
    )


def assume_role(sts: GenericClient, role_arn: str, session_name: str) -> Session:
    """Assume a role for 15 minutes.

    Raises:
        ClientError: The role does not exist, or the caller may not assume it.
    """
    body = sts.rpc(
        "AssumeRole",
        _STS,
        {
            "RoleArn": role_arn,
            "RoleSessionName": session_name,
            "DurationSeconds": _SESSION_SECONDS,
        },
    )
    found = body["Credentials"]
    return Session(
        key=AccessKey(
            access_key_id=str(found["AccessKeyId"]),
            access_key_secret=str(found["AccessKeySecret"]),
            security_token=str(found["SecurityToken"]),
        ),
        ends_at=str(found.get("Expiration", "")),
    )


def role_exists(ram: GenericClient, role_name: str) -> bool:
    """Whether the account has a role of that name.

    Raises:
        ClientError: The service refused or did not answer.
    """
    try:
        ram.rpc("GetRole", _RAM, {"RoleName": role_name})
    except NotFoundError:
        return False
    return True


def product_quota(
    quotas: GenericClient, product: str, code: str, dimensions: Mapping[str, str]
) -> Quota | None:
    """Return a quota; None if there is no quota of that name.

    Args:
        quotas: Quota Center.
        product: Product code, such as ``ecs-spec``.
        code: The quota's id; of ``ecs-spec`` an instance type.
        dimensions: Such as ``{"regionId": "cn-hangzhou"}``.

    Raises:
        ClientError: The service refused or did not answer.
    """
    parameters = {"ProductCode": product, "QuotaActionCode": code}
    for number, (key, value) in enumerate(dimensions.items(), start=1):
        parameters[f"Dimensions.{number}.Key"] = key
        parameters[f"Dimensions.{number}.Value"] = value
    try:
        found = quotas.rpc("GetProductQuota", _QUOTAS, parameters).get("Quota", {})
    except NotFoundError:
        return None
    return Quota(
        total=float(found.get("TotalQuota", 0)),
        used=float(found.get("TotalUsage", 0)),
        unit=str(found.get("QuotaUnit", "")),
        adjustable=bool(found.get("Adjustable", False)),
    )
