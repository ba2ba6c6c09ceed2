"""The RPC API of KMS 2016-01-20, which ``alibabacloud_kms20160120`` calls.

Source: https://api.aliyun.com/document/Kms/2016-01-20/GetSecretValue (read 2026-11).
"""

from __future__ import annotations

from typing import Any

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall
from localcloud.kms.key_rpc import key_actions
from localcloud.kms.keys import require_key
from localcloud.kms.secrets import Secrets

VERSION = "2016-01-20"


class KmsApi:
    """The operations of one local stack's KMS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._secrets = Secrets(context)

    def get_secret_value(self, call: RpcCall) -> dict[str, Any]:
        """Answer GetSecretValue; needs ``kms:GetSecretValue`` on the secret."""
        name = self._authorised(call, "kms:GetSecretValue")
        key_id = self._secrets.require(name)["encryption_key_id"]
        if key_id:
            # Source: https://www.alibabacloud.com/help/en/kms/key-management-service/
            # developer-reference/api-kms-2016-01-20-getsecretvalue, "Access control".
            require_key(key_id, self._context)
            platform = self._context.platform
            key_arn = f"acs:kms:{platform.region_id}:{platform.account_id}:key/{key_id}"
            self._allow(call, "kms:Decrypt", key_arn)
        return self._secrets.value(
            name, call.parameters.get("VersionId"), call.parameters.get("VersionStage")
        )

    def describe_secret(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeSecret; needs ``kms:DescribeSecret`` on the secret."""
        name = self._authorised(call, "kms:DescribeSecret")
        # A secret that waits for its deletion can be described, but not read.
        secret = self._secrets.find(name) or self._secrets.require(name)
        return {
            "Arn": self._secrets.arn(name),
            "SecretName": name,
            "SecretType": secret["type"],
            "Description": secret["description"],
            "EncryptionKeyId": secret["encryption_key_id"],
            "CreateTime": secret["create_time"],
            "PlannedDeleteTime": secret["planned_delete_time"],
            "AutomaticRotation": "Disabled",
        }

    def _authorised(self, call: RpcCall, action: str) -> str:
        name = call.required("SecretName")
        self._allow(call, action, self._secrets.arn(name))
        return name

    def _allow(self, call: RpcCall, action: str, arn: str) -> None:
        if not self._context.access.allows(call.principal, action, arn):
            raise CloudError(
                "Forbidden.NoPermission",
                f"{call.principal.arn} has no permission for {action} on {arn}; attach a policy "
                "that allows it to the role.",
                403,
            )


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the operations of KMS."""
    api = KmsApi(context)
    return (
        RpcAction(
            name="GetSecretValue",
            version=VERSION,
            parameters=frozenset({"SecretName", "VersionId", "VersionStage"}),
            answer=api.get_secret_value,
        ),
        RpcAction(
            name="DescribeSecret",
            version=VERSION,
            parameters=frozenset({"SecretName"}),
            answer=api.describe_secret,
        ),
        *key_actions(context),
    )
