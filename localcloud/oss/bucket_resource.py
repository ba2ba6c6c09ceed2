"""The resource type ``alicloud:oss/bucket:Bucket``.

Owns a bucket's life cycle, and the settings that can be declared on the bucket itself. They act on
the local server through oss2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import oss2

from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.oss import lifecycle_inputs
from localcloud.oss.client import bucket_client, cloud_errors, empty, exists


class Bucket(ResourceHandler):
    """A bucket; its id is its name."""

    token = "alicloud:oss/bucket:Bucket"  # noqa: S105 - a type token
    effective = frozenset(
        {
            "acl",
            "bucket",
            "forceDestroy",
            "lifecycleRules",
            "policy",
            "redundancyType",
            "resourceGroupId",
            "serverSideEncryptionRule",
            "storageClass",
            "tags",
            "versioning",
        }
    )
    recorded = frozenset(
        {
            "accessMonitor",
            "corsRules",
            "lifecycleRuleAllowSameActionOverlap",
            "logging",
            "loggingIsenable",
            "refererConfig",
            "transferAcceleration",
            "website",
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create the bucket and its settings, or adopt the account's bucket of that name."""
        name = inputs.get("bucket") or context.ids.new("tf-oss-bucket-", 12)
        bucket = bucket_client(context.platform, name)
        headers = {"x-oss-resource-group-id": inputs.get("resourceGroupId")}
        configuration = oss2.models.BucketCreateConfig(
            inputs.get("storageClass") or "Standard", inputs.get("redundancyType") or "LRS"
        )
        with cloud_errors():
            bucket.create_bucket(
                inputs.get("acl"),
                configuration,
                headers={key: value for key, value in headers.items() if value},
            )
            _apply(bucket, {}, inputs)
            return Created(name, _computed(bucket) | {"bucket": name})

    def read(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        context: Context,
    ) -> Properties | None:
        """Return the bucket's current state, with the settings that are declared on it."""
        bucket = bucket_client(context.platform, id)
        with cloud_errors():
            if not exists(bucket):
                return None
            return _computed(bucket) | _declared(bucket, outputs) | {"bucket": id}

    def update(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Set what is declared; remove what is no longer declared."""
        bucket = bucket_client(context.platform, id)
        with cloud_errors():
            if inputs.get("acl"):
                bucket.put_bucket_acl(inputs["acl"])
            _apply(bucket, outputs, inputs)
            return _computed(bucket) | {"bucket": id}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """Delete the bucket; with ``forceDestroy``, delete its content first."""
        bucket = bucket_client(context.platform, id)
        with cloud_errors():
            if not exists(bucket):
                return
            if outputs.get("forceDestroy"):
                empty(bucket)
            bucket.delete_bucket()


def _apply(bucket: Any, old: Properties, new: Properties) -> None:
    """Set the settings in ``new``; remove those that are only in ``old``."""
    if new.get("versioning"):
        bucket.put_bucket_versioning(
            oss2.models.BucketVersioningConfig(new["versioning"]["status"])
        )
    elif old.get("versioning"):
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Suspended"))
    rule = new.get("serverSideEncryptionRule")
    if rule:
        bucket.put_bucket_encryption(
            oss2.models.ServerSideEncryptionRule(
                rule["sseAlgorithm"], rule.get("kmsMasterKeyId"), rule.get("kmsDataEncryption")
            )
        )
    elif old.get("serverSideEncryptionRule"):
        bucket.delete_bucket_encryption()
    if new.get("lifecycleRules"):
        bucket.put_bucket_lifecycle(lifecycle_inputs.to_models(new["lifecycleRules"]))
    elif old.get("lifecycleRules"):
        bucket.delete_bucket_lifecycle()
    if new.get("tags"):
        bucket.put_bucket_tagging(tagging(new["tags"]))
    elif old.get("tags"):
        bucket.delete_bucket_tagging()
    if new.get("policy"):
        bucket.put_bucket_policy(new["policy"])
    elif old.get("policy"):
        bucket.delete_bucket_policy()


def tagging(tags: Properties) -> Any:
    """Return tags in oss2's form."""
    rule = oss2.models.TaggingRule()
    for key, value in tags.items():
        rule.add(key, value)
    return oss2.models.Tagging(rule)


def _computed(bucket: Any) -> Properties:
    info = bucket.get_bucket_info()
    return {
        "accessMonitor": {"status": info.access_monitor},
        "acl": info.acl.grant,
        "creationDate": info.creation_date[:10],
        "extranetEndpoint": info.extranet_endpoint,
        "intranetEndpoint": info.intranet_endpoint,
        "location": info.location,
        "owner": info.owner.id,
        "redundancyType": info.data_redundancy_type,
        "resourceGroupId": info.resource_group_id,
        "storageClass": info.storage_class,
    }


def _declared(bucket: Any, outputs: Properties) -> Properties:
    readers = {
        "lifecycleRules": _lifecycle_rules,
        "policy": _policy,
        "serverSideEncryptionRule": _encryption,
        "tags": _tags,
        "versioning": _versioning,
    }
    names: Iterable[str] = [name for name in readers if outputs.get(name)]
    return {name: readers[name](bucket, outputs[name]) for name in names}


def _lifecycle_rules(bucket: Any, declared: Any) -> Any:
    try:
        found = lifecycle_inputs.to_inputs(bucket.get_bucket_lifecycle().rules)
    except oss2.exceptions.NoSuchLifecycle:
        return []
    return declared if lifecycle_inputs.same(declared, found) else found


def _policy(bucket: Any, declared: Any) -> Any:
    return current_policy(bucket, declared) or ""


def current_policy(bucket: Any, declared: str | None) -> str | None:
    """Return the bucket's policy or None; ``declared`` itself if both are equal JSON."""
    try:
        found: Any = bucket.get_bucket_policy().policy
    except oss2.exceptions.NoSuchBucketPolicy:
        return None
    found = found.decode() if isinstance(found, bytes) else str(found)
    if declared is not None and _json(declared) == _json(found):
        return declared
    return str(found)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _encryption(bucket: Any, _: Any) -> Any:
    found = current_encryption(bucket)
    return found or {}


def current_encryption(bucket: Any) -> Properties | None:
    """Return the bucket's encryption rule in the shape of the inputs, or None."""
    try:
        rule = bucket.get_bucket_encryption()
    except oss2.exceptions.NotFound:
        return None
    values = {
        "sseAlgorithm": rule.sse_algorithm,
        "kmsMasterKeyId": rule.kms_master_keyid,
        "kmsDataEncryption": rule.kms_data_encryption,
    }
    return {name: value for name, value in values.items() if value}


def _tags(bucket: Any, _: Any) -> Any:
    found = bucket.get_bucket_tagging()
    return dict(found.tag_set.tagging_rule) if found.tag_set else {}


def _versioning(bucket: Any, _: Any) -> Any:
    return {"status": bucket.get_bucket_versioning().status or "Suspended"}
