"""Resource types of KMS."""

from __future__ import annotations

from typing import Any, ClassVar

from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.kms.keys import AliasHandler, KeyHandler, require_key
from localcloud.kms.secrets import CURRENT, SECRETS, Secrets


class SecretHandler(ResourceHandler):
    """``alicloud:kms/secret:Secret``; the id is the secret's name."""

    token: ClassVar[str] = "alicloud:kms/secret:Secret"
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("secretName", "secretData", "secretDataType", "versionId"),
            *("forceDeleteWithoutRecovery", "recoveryWindowInDays", "encryptionKeyId"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "dkmsInstanceId", "tags"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create the secret like CreateSecret."""
        name = inputs["secretName"]
        if inputs.get("encryptionKeyId"):
            require_key(inputs["encryptionKeyId"], context)
        secret = Secrets(context).create(
            name, inputs["versionId"], inputs["secretData"], self._fields(inputs)
        )
        return Created(name, self._outputs(name, secret, context))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the secret with its current value, or None if it does not exist."""
        secret = Secrets(context).find(id)
        if secret is None or secret["planned_delete_time"]:
            return None
        return self._outputs(id, secret, context)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change the secret like UpdateSecret and PutSecretValue."""
        secrets = Secrets(context)
        secrets.put_value(id, inputs["versionId"], inputs["secretData"])
        fields = self._fields(inputs)
        secret = context.store.table(SECRETS).update(id, lambda old: (old or {}) | fields) or {}
        return self._outputs(id, secret, context)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the secret like DeleteSecret, at once or after the recovery window."""
        days = None
        if not outputs.get("forceDeleteWithoutRecovery", False):
            days = int(outputs.get("recoveryWindowInDays", 30))
        Secrets(context).delete(id, recovery_days=days)

    @staticmethod
    def _fields(inputs: Properties) -> dict[str, Any]:
        return {
            "description": inputs.get("description", ""),
            "data_type": inputs.get("secretDataType", "text"),
            "type": "Generic",
            "tags": inputs.get("tags", {}),
            "encryption_key_id": inputs.get("encryptionKeyId", ""),
            "instance_id": inputs.get("dkmsInstanceId", ""),
        }

    @staticmethod
    def _outputs(name: str, secret: Properties, context: Context) -> Properties:
        version_id = secret["stages"][CURRENT]
        return {
            "arn": Secrets(context).arn(name),
            "createTime": secret["create_time"],
            "description": secret["description"] or None,
            "dkmsInstanceId": secret.get("instance_id") or None,
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


HANDLERS: tuple[type[ResourceHandler], ...] = (SecretHandler, KeyHandler, AliasHandler)
