"""The resource type ``alicloud:oss/bucket:Bucket``.

Owns a bucket's life cycle, and the settings that can be declared on the bucket itself. They act on
the local server through oss2.
"""

from __future__ import annotations

from typing import Any

import oss2

from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.oss import lifecycle_inputs
from localcloud.oss.client import bucket_client, cloud_errors, empty, exists


class Bucket(ResourceHandler):
    """A bucket; its id is its name."""

    token = "alicloud:oss/bucket:Bucket"  # noqa: S105 - a type token
    # The server refuses other values than the defaults of redundancyType and storageClass.
    effective = frozenset(
        {"bucket", "forceDestroy", "lifecycleRules", "redundancyType", "storageClass", "tags"}
    )
    recorded = frozenset({"lifecycleRuleAllowSameActionOverlap"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create the bucket and its settings, or adopt the account's bucket of that name."""
        name = inputs.get("bucket") or context.ids.new("tf-oss-bucket-", 12)
        bucket = bucket_client(context.platform, name)
        configuration = oss2.models.BucketCreateConfig(
            inputs.get("storageClass"), inputs.get("redundancyType")
        )
        with cloud_errors():
            bucket.create_bucket(input=configuration)
            _apply(bucket, {}, inputs)
            return Created(name, _computed(bucket) | {"bucket": name})

    def read(
        self,
        id: str,
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
        id: str,
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Set what is declared; remove what is no longer declared."""
        bucket = bucket_client(context.platform, id)
        with cloud_errors():
            _apply(bucket, outputs, inputs)
            return _computed(bucket) | {"bucket": id}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
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
    if new.get("lifecycleRules"):
        bucket.put_bucket_lifecycle(lifecycle_inputs.to_models(new["lifecycleRules"]))
    elif old.get("lifecycleRules"):
        bucket.delete_bucket_lifecycle()
    if new.get("tags"):
        rule = oss2.models.TaggingRule()
        for key, value in new["tags"].items():
            rule.add(key, value)
        bucket.put_bucket_tagging(oss2.models.Tagging(rule))
    elif old.get("tags"):
        bucket.delete_bucket_tagging()


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
    found: Properties = {}
    if outputs.get("lifecycleRules"):
        found["lifecycleRules"] = _lifecycle_rules(bucket, outputs["lifecycleRules"])
    if outputs.get("tags"):
        found["tags"] = dict(bucket.get_bucket_tagging().tag_set.tagging_rule)
    return found


def _lifecycle_rules(bucket: Any, declared: Any) -> Any:
    try:
        found = lifecycle_inputs.to_inputs(bucket.get_bucket_lifecycle().rules)
    except oss2.exceptions.NoSuchLifecycle:
        return []
    return declared if lifecycle_inputs.same(declared, found) else found
