"""The RPC API of KMS 2016-01-20: reading secrets, keys and instances.

Source: https://api.aliyun.com/document/Kms/2016-01-20/GetSecretValue, .../DescribeKey,
.../GetKmsInstance (read 2026-11).
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.rpc import RpcApi, RpcCall
from localcloud.faults import Faults
from localcloud.kms.keys import KEYS, key_arn, require_key
from localcloud.kms.secrets import Secrets

API: Final = RpcApi("kms", "Kms", "2016-01-20")


@API.action("DescribeKey", "KeyId")
def describe_key(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeKey for a key id; needs ``kms:DescribeKey`` on the key."""
    key_id = call.required("KeyId")
    arn = key_arn(key_id, call.context)
    call.authorise("kms:DescribeKey", arn)
    record = call.context.store.table(KEYS).get(key_id)
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


@API.action(
    "GetKmsInstance",
    "KmsInstanceId",
    notes="every id that starts with kst- exists, unless a fault removes it",
)
def get_kms_instance(call: RpcCall) -> dict[str, Any]:
    """Answer GetKmsInstance; every ``kst-`` id exists unless a fault removes it."""
    instance_id = call.required("KmsInstanceId")
    call.authorise("kms:GetKmsInstance", "acs:kms:*:*:*")
    missing = Faults(call.context.store).hits("kms-instance-missing", instance_id=instance_id)
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


@API.action(
    "GetSecretValue",
    *("SecretName", "VersionId", "VersionStage"),
    notes="no DryRun, FetchExtendedConfig or Recipient",
)
def get_secret_value(call: RpcCall) -> dict[str, Any]:
    """Answer GetSecretValue; needs ``kms:GetSecretValue`` on the secret."""
    secrets, name = Secrets(call.context), call.required("SecretName")
    _allow(call, "kms:GetSecretValue", secrets.arn(name))
    key_id = secrets.require(name)["encryption_key_id"]
    if key_id:
        # Source: https://www.alibabacloud.com/help/en/kms/key-management-service/
        # developer-reference/api-kms-2016-01-20-getsecretvalue, "Access control".
        require_key(key_id, call.context)
        _allow(call, "kms:Decrypt", key_arn(key_id, call.context))
    return secrets.value(
        name, call.parameters.get("VersionId"), call.parameters.get("VersionStage")
    )


@API.action("DescribeSecret", "SecretName", notes="without tags")
def describe_secret(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeSecret; needs ``kms:DescribeSecret`` on the secret."""
    secrets, name = Secrets(call.context), call.required("SecretName")
    _allow(call, "kms:DescribeSecret", secrets.arn(name))
    # A secret that waits for its deletion can be described, but not read.
    secret = secrets.find(name) or secrets.require(name)
    return {
        "Arn": secrets.arn(name),
        "SecretName": name,
        "SecretType": secret["type"],
        "Description": secret["description"],
        "EncryptionKeyId": secret["encryption_key_id"],
        "CreateTime": secret["create_time"],
        "PlannedDeleteTime": secret["planned_delete_time"],
        "AutomaticRotation": "Disabled",
    }


def _allow(call: RpcCall, action: str, arn: str) -> None:
    if not call.context.access.allows(call.principal, action, arn):
        raise CloudError(
            "Forbidden.NoPermission",
            f"{call.principal.arn} has no permission for {action} on {arn}; attach a policy "
            "that allows it to the role.",
            403,
        )
