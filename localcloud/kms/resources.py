"""Resource types of KMS."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from localcloud.errors import CloudError
from localcloud.kms.secrets import CURRENT, SECRETS, Secrets
from localcloud.records import RecordHandler, now
from localcloud.resources import Context, Created, Properties, ResourceHandler

KEYS = "kms.keys"
_KEY_SPECS = ("Aliyun_AES_256",)
_KEY_USAGES = ("ENCRYPT/DECRYPT",)
_STATUSES = ("Enabled", "Disabled")


class SecretHandler(ResourceHandler):
    """``alicloud:kms/secret:Secret``; the id is the secret's name."""

    token: ClassVar[str] = "alicloud:kms/secret:Secret"
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("secretName", "secretData", "secretDataType", "versionId"),
            *("forceDeleteWithoutRecovery", "recoveryWindowInDays"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "encryptionKeyId", "tags"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """As CreateSecret."""
        name = inputs["secretName"]
        secret = Secrets(context).create(
            name, inputs["versionId"], inputs["secretData"], self._fields(inputs)
        )
        return Created(name, self._outputs(name, secret, context))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:  # noqa: A002
        """As DescribeSecret with GetSecretValue."""
        secret = Secrets(context).find(id)
        if secret is None or secret["planned_delete_time"]:
            return None
        return self._outputs(id, secret, context)

    def update(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """As UpdateSecret and PutSecretValue."""
        secrets = Secrets(context)
        secrets.put_value(id, inputs["versionId"], inputs["secretData"])
        fields = self._fields(inputs)
        secret = context.store.table(SECRETS).update(id, lambda old: (old or {}) | fields) or {}
        return self._outputs(id, secret, context)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """As DeleteSecret: kept for the recovery window unless it is to go at once."""
        days = None
        if not outputs.get("forceDeleteWithoutRecovery", False):
            days = int(outputs.get("recoveryWindowInDays", 30))
        Secrets(context).delete(id, recovery_days=days)

    @staticmethod
    def _fields(inputs: Properties) -> dict[str, Any]:
        data_type = inputs.get("secretDataType", "text")
        if data_type not in ("text", "binary"):
            raise CloudError(
                "InvalidParameter", f"secretDataType is {data_type!r}; allowed: text, binary."
            )
        return {
            "description": inputs.get("description", ""),
            "data_type": data_type,
            "type": "Generic",
            "tags": inputs.get("tags", {}),
            "encryption_key_id": inputs.get("encryptionKeyId", ""),
        }

    @staticmethod
    def _outputs(name: str, secret: Properties, context: Context) -> Properties:
        version_id = secret["stages"][CURRENT]
        return {
            "arn": Secrets(context).arn(name),
            "createTime": secret["create_time"],
            "description": secret["description"] or None,
            "encryptionKeyId": secret["encryption_key_id"] or None,
            "plannedDeleteTime": secret["planned_delete_time"],
            "secretData": secret["versions"][version_id]["data"],
            "secretDataType": secret["data_type"],
            "secretName": name,
            "secretType": secret["type"],
            "tags": secret["tags"] or None,
            "versionId": version_id,
            "versionStages": [CURRENT],
        }


class KeyHandler(RecordHandler):
    """``alicloud:kms/key:Key``: a record; nothing is encrypted with it here."""

    token: ClassVar[str] = "alicloud:kms/key:Key"
    table: ClassVar[str] = KEYS
    effective: ClassVar[frozenset[str]] = frozenset({"keySpec", "keyUsage", "status"})
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"description", "pendingWindowInDays", "protectionLevel", "tags"}
    )

    def plan(
        self, inputs: Properties, context: Context, old: Properties | None
    ) -> tuple[str, Properties]:
        """As CreateKey."""
        for name, allowed in (
            ("keySpec", _KEY_SPECS),
            ("keyUsage", _KEY_USAGES),
            ("status", _STATUSES),
        ):
            value = inputs.get(name, allowed[0])
            if value not in allowed:
                raise CloudError(
                    "InvalidParameter", f"{name} is {value!r}; allowed are {', '.join(allowed)}."
                )
        status = inputs.get("status", "Enabled")
        if old is not None:
            return "", {"status": status}
        key_id = f"key-{uuid.uuid5(uuid.NAMESPACE_URL, context.ids.new('key-', 20))}"
        platform = context.platform
        return key_id, {
            "arn": f"acs:kms:{platform.region_id}:{platform.account_id}:key/{key_id}",
            "automaticRotation": "Disabled",
            "creationDate": now(),
            "creator": platform.account_id,
            "keySpec": _KEY_SPECS[0],
            "keyUsage": _KEY_USAGES[0],
            "origin": "Aliyun_KMS",
            "primaryKeyVersion": context.ids.new("", 32),
            "status": status,
        }


HANDLERS: tuple[type[ResourceHandler], ...] = (SecretHandler, KeyHandler)


def reset(context: Context) -> None:
    """Forget every secret and key."""
    for table in (SECRETS, KEYS):
        context.store.table(table).clear()
