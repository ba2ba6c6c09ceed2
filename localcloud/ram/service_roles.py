"""Service roles, which an account gets when it first uses a service.

Owns their names and the services that they trust. The local account has all of them, unless the
fault ``role-missing`` removes one. No local service uses them; they can only be looked up.
Source: https://www.alibabacloud.com/help/en/ram/user-guide/
services-that-work-with-service-linked-roles and, for the two default roles,
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
