"""Rules: stored data is encrypted, in prod with the stack's own keys.

Owns buckets, disks and secrets. Facts: OSS server-side encryption,
https://www.alibabacloud.com/help/en/oss/user-guide/server-side-encryption-8; ECS disk encryption,
https://www.alibabacloud.com/help/en/ecs/user-guide/encryption-overview (read 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.policy.model import (
    UNKNOWN,
    Resource,
    Rule,
    Setting,
    companion,
    is_on,
    listed,
    value_at,
)

__all__ = ["RULES"]

_BUCKET = "alicloud:oss/bucket:Bucket"
_BUCKET_ENCRYPTION = "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption"
_INSTANCE = "alicloud:ecs/instance:Instance"
_TEMPLATE = "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"
_SCALING = "alicloud:ess/scalingConfiguration:ScalingConfiguration"
_SEARCH = "alicloud:elasticsearch/instance:Instance"
_DISKS = ("alicloud:ecs/disk:Disk", "alicloud:ecs/ecsDisk:EcsDisk")
# Type to the switch that encrypts its disk.
_DISK_SWITCHES = {
    _INSTANCE: ("systemDiskEncrypted",),
    _TEMPLATE: ("systemDisk", "encrypted"),
    _SEARCH: ("dataNodeConfiguration", "diskEncryption"),
    _SCALING: ("systemDiskEncrypted",),
    **dict.fromkeys(_DISKS, ("encrypted",)),
}
# Type to the property with its key.
_KEYS = {
    _BUCKET_ENCRYPTION: ("kmsMasterKeyId",),
    _INSTANCE: ("systemDiskKmsKeyId",),
    _TEMPLATE: ("systemDisk", "kmsKeyId"),
    _SCALING: ("systemDiskKmsKeyId",),
    **dict.fromkeys(_DISKS, ("kmsKeyId",)),
    "alicloud:kms/secret:Secret": ("encryptionKeyId",),
    "alicloud:log/store:Store": ("encryptConf", "userCmkInfo", "cmkKeyId"),
}


def _bucket_is_encrypted(
    resources: Sequence[Resource], setting: Setting
) -> Iterator[tuple[Resource, str]]:
    rules = [r for r in resources if r.type == _BUCKET_ENCRYPTION]
    for bucket in resources:
        if bucket.type != _BUCKET or setting.is_existing(bucket):
            continue
        # The bucket resource may have the rule itself.
        if value_at(bucket.inputs, "serverSideEncryptionRule", "sseAlgorithm"):
            continue
        names = (bucket.inputs.get("bucket"), bucket.inputs.get("id"))
        if not any(
            companion(bucket, rule, "bucket", names) and rule.inputs.get("sseAlgorithm")
            for rule in rules
        ):
            yield (
                bucket,
                "The bucket has no BucketServerSideEncryption. Declare one with sseAlgorithm "
                "AES256, or with KMS and a key.",
            )


def _disks_are_encrypted(resource: Resource, _: Setting) -> Iterator[str]:
    path = _DISK_SWITCHES.get(resource.type)
    if path is None:
        return
    if not is_on(value_at(resource.inputs, *path)):
        yield (
            f"{'.'.join(path)} is {value_at(resource.inputs, *path)!r}; it must be true. A disk "
            "cannot be encrypted later."
        )
    warm = resource.inputs.get("warmNodeConfiguration")
    if warm is not None and not is_on(value_at(warm, "diskEncryption")):
        yield "warmNodeConfiguration.diskEncryption is off; it must be true."
    for index, disk in enumerate(listed(resource.inputs.get("dataDisks"))):
        if not is_on(value_at(disk, "encrypted")):
            yield (
                f"dataDisks[{index}].encrypted is {value_at(disk, 'encrypted')!r}; it must be true."
            )


def _own_keys(resource: Resource, setting: Setting) -> Iterator[str]:
    path = _KEYS.get(resource.type)
    if path is None or not setting.is_production:
        return
    key = value_at(resource.inputs, *path)
    if resource.type == _BUCKET_ENCRYPTION:
        algorithm = resource.inputs.get("sseAlgorithm")
        if algorithm not in ("KMS", UNKNOWN):
            yield f"sseAlgorithm is {algorithm!r}; in prod it must be KMS with the stack's own key."
            return
    if not key:
        yield (
            f"{'.'.join(path)} is not set, so the service's key encrypts it. Set "
            "customrag:encryptionKey to own, or to the id of a KMS key."
        )
    for index, disk in enumerate(listed(resource.inputs.get("dataDisks"))):
        if not value_at(disk, "kmsKeyId"):
            yield f"dataDisks[{index}].kmsKeyId is not set. Use the key of the system disk."


def _keys_rotate(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type != "alicloud:kms/key:Key" or not setting.is_production:
        return
    if not is_on(resource.inputs.get("automaticRotation")):
        yield (
            f"automaticRotation is {resource.inputs.get('automaticRotation')!r}; it must be "
            "Enabled, with a rotationInterval such as 365d."
        )


def _metadata_needs_token(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type in (_INSTANCE, _TEMPLATE):
        tokens = resource.inputs.get("httpTokens")
        if tokens not in ("required", UNKNOWN):
            yield (
                f"httpTokens is {tokens!r}; it must be required. Otherwise, anyone who can "
                "make the node fetch a URL can read its role's credentials."
            )


RULES = (
    Rule(
        name="bucket-is-encrypted",
        description="Every bucket encrypts its objects.",
        on_stack=_bucket_is_encrypted,
    ),
    Rule(
        name="disk-is-encrypted",
        description="Every disk of a node or of the search cluster is encrypted.",
        on_resource=_disks_are_encrypted,
    ),
    Rule(
        name="own-key-in-prod",
        description="In prod, buckets, disks, secrets and logs are encrypted with the stack's key.",
        on_resource=_own_keys,
    ),
    Rule(
        name="key-rotates-in-prod",
        description="In prod, KMS keys rotate automatically.",
        on_resource=_keys_rotate,
    ),
    Rule(
        name="metadata-needs-token",
        description="Instance metadata and the credentials in it require a token.",
        on_resource=_metadata_needs_token,
    ),
)
