"""The RPC API of KMS 2016-01-20: reading keys and instances.

Source: https://api.aliyun.com/document/Kms/2016-01-20/DescribeKey, .../GetKmsInstance (read
2026-11-21).
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall
from localcloud.faults import Faults
from localcloud.kms.keys import KEYS

VERSION: Final = "2016-01-20"


class KeyApi:
    """The operations that read keys and KMS instances."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def describe_key(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeKey for a key id; needs ``kms:DescribeKey`` on the key."""
        key_id = call.required("KeyId")
        platform = self._context.platform
        arn = f"acs:kms:{platform.region_id}:{platform.account_id}:key/{key_id}"
        self._context.access.require(call.principal, "kms:DescribeKey", arn)
        record = self._context.store.table(KEYS).get(key_id)
        if record is None:
            raise CloudError("Forbidden.KeyNotFound", f"The key {key_id} does not exist.", 404)
        return {
            "KeyMetadata": {
                "KeyId": key_id,
                "Arn": arn,
                "KeyState": record["status"],
                "DeleteDate": record.get("deleteDate", ""),
                "KeySpec": record["keySpec"],
                "KeyUsage": record["keyUsage"],
                "CreationDate": record["creationDate"],
                "Creator": record["creator"],
                "Origin": record["origin"],
                "AutomaticRotation": record["automaticRotation"],
            }
        }

    def get_kms_instance(self, call: RpcCall) -> dict[str, Any]:
        """Answer GetKmsInstance; every ``kst-`` id exists unless a fault removes it."""
        instance_id = call.required("KmsInstanceId")
        self._context.access.require(call.principal, "kms:GetKmsInstance", "acs:kms:*:*:*")
        missing = Faults(self._context.store).hits("kms-instance-missing", instance_id=instance_id)
        if missing or not instance_id.startswith("kst-"):
            raise CloudError(
                "Forbidden.ResourceNotFound", f"The instance {instance_id} does not exist.", 404
            )
        return {
            "KmsInstance": {
                "InstanceId": instance_id,
                "InstanceName": instance_id,
                "Status": "Connected",
            }
        }


def key_actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the operations that read keys and instances."""
    api = KeyApi(context)
    return (
        RpcAction(
            name="DescribeKey",
            version=VERSION,
            parameters=frozenset({"KeyId"}),
            answer=api.describe_key,
        ),
        RpcAction(
            name="GetKmsInstance",
            version=VERSION,
            parameters=frozenset({"KmsInstanceId"}),
            answer=api.get_kms_instance,
        ),
    )
