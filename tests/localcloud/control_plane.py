"""The local cloud's API in the test process, and the vendors' clients for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alibabacloud_aiworkspace20210204.client import Client as AIWorkSpaceClient
from alibabacloud_kms20160120.client import Client as KmsClient
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config

from localcloud import registry
from localcloud.core.access import Principal
from localcloud.core.home import init_home
from localcloud.core.resources import Context, Created
from localcloud.daemon import application, make_context
from tests.localcloud.running import served

SERVICES = ("vpc", "ram", "ims", "sts", "kms", "aiworkspace")

__all__ = ["SERVICES", "AlibabaCloudException", "ControlPlane", "control_plane_at", "document"]


def document(*statements: dict[str, Any]) -> str:
    """Return a RAM policy with these statements."""
    return json.dumps({"Version": "1", "Statement": list(statements)})


@dataclass(frozen=True)
class ControlPlane:
    """A served control plane."""

    context: Context

    @property
    def account(self) -> Principal:
        """The account with its own key."""
        return self.context.access.account

    def config(self, principal: Principal | None = None, secret: str | None = None) -> Config:
        """Return the SDK configuration of a principal (the account by default)."""
        principal = principal or self.account
        return Config(
            access_key_id=principal.access_key_id,
            access_key_secret=secret or principal.access_key_secret,
            security_token=principal.security_token,
            endpoint=urlsplit(self.context.platform.endpoints["api"]).netloc,
            protocol="http",
            region_id=self.context.platform.region_id,
            read_timeout=20000,
            connect_timeout=5000,
        )

    def sts(self, principal: Principal | None = None, secret: str | None = None) -> Any:
        """Return the SDK's STS client."""
        return StsClient(self.config(principal, secret))

    def kms(self, principal: Principal | None = None) -> Any:
        """Return the SDK's KMS client."""
        return KmsClient(self.config(principal))

    def aiworkspace(self, principal: Principal | None = None) -> Any:
        """Return the SDK's AIWorkSpace client."""
        return AIWorkSpaceClient(self.config(principal))

    def create(self, token: str, inputs: dict[str, Any]) -> Created:
        """Create a declared resource; ``token`` without ``alicloud:``."""
        return self.handler(token).create(inputs, self.context)

    def handler(self, token: str) -> Any:
        """Return the handler of a declared type; ``token`` without ``alicloud:``."""
        return registry.handlers(SERVICES)[f"alicloud:{token}"]

    def role(
        self, name: str, *statements: dict[str, Any], trust: dict[str, Any] | None = None
    ) -> str:
        """Create a role with these permissions that trusts ECS and the account; return its ARN."""
        account = f"acs:ram::{self.context.platform.account_id}:root"
        principals = trust or {"Service": ["ecs.aliyuncs.com"], "RAM": [account]}
        trusting = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principals}
        created = self.create(
            "ram/role:Role", {"roleName": name, "assumeRolePolicyDocument": document(trusting)}
        )
        if statements:
            self.create(
                "ram/policy:Policy",
                {"policyName": name, "policyDocument": document(*statements)},
            )
            self.create(
                "ram/rolePolicyAttachment:RolePolicyAttachment",
                {"policyName": name, "policyType": "Custom", "roleName": name},
            )
        return str(created.outputs["arn"])


@contextmanager
def control_plane_at(home: Path) -> Iterator[ControlPlane]:
    """Serve a control plane with this home."""
    init_home(home)
    context = make_context(home)
    app = application(context, lambda: None, services=SERVICES)
    with served(app, context.platform.endpoints["api"]):
        yield ControlPlane(context)
    context.supervisor.stop_all()
    context.store.close()
