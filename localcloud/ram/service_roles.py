"""Roles that cloud services act in, which an account gets when a service is first used.

Owns their names and whom they trust. The local account has all of them, until a fault takes one
away (``role-missing``). Nothing here acts in one: they are there to be looked up.
Source: the names and services are those of https://www.alibabacloud.com/help/en/ram/user-guide/
services-that-work-with-service-linked-roles and, for the two default roles, of
https://www.alibabacloud.com/help/en/pai/user-guide/grant-the-permissions-that-are-required-to-use-dlc
and https://www.alibabacloud.com/help/en/ecs/user-guide/encryption-related-permissions
(read 2026-11-21). The service that AliyunServiceRoleForBailian and AliyunPAIDLCDefaultRole trust is
assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["SERVICE_ROLES"]

SERVICE_ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AliyunECSDiskEncryptDefaultRole": "ecs.aliyuncs.com",
        "AliyunPAIDLCDefaultRole": "pai.aliyuncs.com",
        "AliyunServiceRoleForAlb": "alb.aliyuncs.com",
        "AliyunServiceRoleForAlbLogDelivery": "logdelivery.alb.aliyuncs.com",
        "AliyunServiceRoleForAutoScaling": "ess.aliyuncs.com",
        "AliyunServiceRoleForBailian": "bailian.aliyuncs.com",
        "AliyunServiceRoleForNatgw": "nat.aliyuncs.com",
    }
)
"""Role name to the service that it trusts."""
