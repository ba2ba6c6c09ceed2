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
    Setting,
    has_companion,
    is_on,
    listed,
    resource_rule,
    stack_rule,
    value_at,
)

__all__ = ["RULES"]

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


@stack_rule("bucket-is-encrypted", "Every bucket encrypts its objects.")
def _bucket_is_encrypted(
    resources: Sequence[Resource], setting: Setting
) -> Iterator[tuple[Resource, str]]:
    rules = [r for r in resources if r.type == _BUCKET_ENCRYPTION and r.inputs.get("sseAlgorithm")]
    for bucket in resources:
        # The bucket resource may have the rule itself.
        own = value_at(bucket.inputs, "serverSideEncryptionRule", "sseAlgorithm")
        if setting.is_own_bucket(bucket) and not own and not has_companion(bucket, rules):
            yield (
                bucket,
                "The bucket has no BucketServerSideEncryption. Declare one with sseAlgorithm "
                "AES256, or with KMS and a key.",
            )


@resource_rule(
    "disk-is-encrypted",
    "Every disk of a node or of the search cluster is encrypted.",
    *_DISK_SWITCHES,
)
def _disks_are_encrypted(resource: Resource, _: Setting) -> Iterator[str]:
    path = _DISK_SWITCHES[resource.type]
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


@resource_rule(
    "own-key-in-prod",
    "In prod, buckets, disks, secrets and logs are encrypted with the stack's key.",
    *_KEYS,
)
def _own_keys(resource: Resource, setting: Setting) -> Iterator[str]:
    if not setting.is_production:
        return
    path = _KEYS[resource.type]
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


@resource_rule(
    "key-rotates-in-prod", "In prod, KMS keys rotate automatically.", "alicloud:kms/key:Key"
)
def _keys_rotate(resource: Resource, setting: Setting) -> Iterator[str]:
    rotation = resource.inputs.get("automaticRotation")
    if setting.is_production and not is_on(rotation):
        yield (
            f"automaticRotation is {rotation!r}; it must be Enabled, with a rotationInterval such "
            "as 365d."
        )


@resource_rule(
    "metadata-needs-token",
    "Instance metadata and the credentials in it require a token.",
    _INSTANCE,
    _TEMPLATE,
)
def _metadata_needs_token(resource: Resource, _: Setting) -> Iterator[str]:
    tokens = resource.inputs.get("httpTokens")
    if tokens not in ("required", UNKNOWN):
        yield (
            f"httpTokens is {tokens!r}; it must be required. Otherwise, anyone who can make the "
            "node fetch a URL can read its role's credentials."
        )


RULES = (
    _bucket_is_encrypted,
    _disks_are_encrypted,
    _own_keys,
    _keys_rotate,
    _metadata_needs_token,
)
