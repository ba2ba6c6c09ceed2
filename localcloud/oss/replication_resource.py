"""The resource type ``alicloud:oss/bucketReplication:BucketReplication``."""

from __future__ import annotations

from typing import Any, Final

import oss2

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.kms.keys import require_key
from localcloud.oss.client import bucket_client, cloud_errors, exists

_GONE: Final = "NoSuchReplicationConfiguration"


class BucketReplication(ResourceHandler):
    """A bucket's replication rule; its id is ``<bucket>:<rule id>``, as in the provider."""

    token = "alicloud:oss/bucketReplication:BucketReplication"  # noqa: S105 - a type token
    effective = frozenset(
        {
            *("action", "bucket", "destination", "encryptionConfiguration"),
            *("historicalObjectReplication", "sourceSelectionCriteria", "syncRole"),
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Put the rule, and read the id that OSS gives it."""
        name = str(inputs["bucket"])
        bucket = bucket_client(context.platform, name)
        key_id = (inputs.get("encryptionConfiguration") or {}).get("replicaKmsKeyId")
        if key_id:
            require_key(key_id, context)
        with cloud_errors():
            outputs = _outputs(bucket)
            # A bucket has one rule, so the rule of an interrupted creation is adopted.
            if outputs is None or not inputs.items() <= {"bucket": name, **outputs}.items():
                bucket.put_bucket_replication(_rule(inputs, key_id))
                outputs = _outputs(bucket)
        if outputs is None:
            raise CloudError(
                "InternalError",
                f"The replication rule of bucket {name} was deleted right after it was created.",
                500,
            )
        return Created(f"{name}:{outputs['ruleId']}", outputs)

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the rule's current state, or None if it or its bucket does not exist."""
        name, _, rule_id = id.partition(":")
        bucket = bucket_client(context.platform, name)
        with cloud_errors():
            if not exists(bucket):
                return None
            found = _outputs(bucket)
        if found is None or found["ruleId"] != rule_id:
            return None
        return {"bucket": name, **found}

    def update(
        self,
        id: str,
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Return the current state, because every change replaces the rule."""
        return self.read(id, outputs, context) or {}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the rule; the copies stay."""
        name, _, rule_id = id.partition(":")
        bucket = bucket_client(context.platform, name)
        with cloud_errors():
            if self.read(id, outputs, context) is not None:
                bucket.delete_bucket_replication(rule_id)


def _rule(inputs: Properties, key_id: str | None) -> Any:
    destination = inputs["destination"]
    criteria = inputs.get("sourceSelectionCriteria") or {}
    return oss2.models.ReplicationRule(
        target_bucket_name=destination["bucket"],
        target_bucket_location=destination["location"],
        target_transfer_type=destination.get("transferType"),
        action_list=[inputs.get("action") or "ALL"],
        is_enable_historical_object_replication=(
            inputs.get("historicalObjectReplication", "enabled") == "enabled"
        ),
        sync_role_name=inputs.get("syncRole"),
        replica_kms_keyid=key_id,
        sse_kms_encrypted_objects_status=(criteria.get("sseKmsEncryptedObjects") or {}).get(
            "status"
        ),
    )


def _outputs(bucket: Any) -> Properties | None:
    try:
        rule = bucket.get_bucket_replication().rule_list[0]
    except oss2.exceptions.ServerError as error:
        if error.code == _GONE:
            return None
        raise
    historical = rule.is_enable_historical_object_replication
    found: Properties = {
        "ruleId": rule.rule_id,
        "status": rule.status,
        "action": ",".join(rule.action_list),
        "destination": {
            "bucket": rule.target_bucket_name,
            "location": rule.target_bucket_location,
        },
        "historicalObjectReplication": "enabled" if historical else "disabled",
        "syncRole": rule.sync_role_name,
    }
    if rule.replica_kms_keyid:
        found["encryptionConfiguration"] = {"replicaKmsKeyId": rule.replica_kms_keyid}
    if rule.sse_kms_encrypted_objects_status:
        status = {"status": rule.sse_kms_encrypted_objects_status}
        found["sourceSelectionCriteria"] = {"sseKmsEncryptedObjects": status}
    return found
