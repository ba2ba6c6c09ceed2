"""A KMS key that encrypts the stack's data.

Owns: the key, its alias and its rotation. Does not own: which resources use it (each component
receives the key's id), or who may decrypt (`components.identity`).
API: https://www.alibabacloud.com/help/en/kms, CreateKey, ScheduleKeyDeletion, read 2026-11-21.
OSS, ECS disks, Simple Log Service and KMS secrets support a customer's key. Elasticsearch always
encrypts its disks with the service's own key (`alicloud_elasticsearch_instance`,
`disk_encryption`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import kms

from components.outputs import once
from components.retention import Retention
from components.scope import Scope
from components.tags import kept_tags

__all__ = ["EncryptionKey", "EncryptionKeyArgs"]


# CreateKey: 7 to 365 days. A default key only rotates if the account bought KMS's rotation of
# default keys (assumed from the price page; preflight does not see it).
ROTATION_DAYS = 365
# ScheduleKeyDeletion: 7 to 366 days. After that, everything that the key encrypted is lost.
PENDING_WINDOW_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """Arguments of `EncryptionKey`.

    Attributes:
        scope: Names, region and tags of the stack.
        role: Last part of the alias, which distinguishes several keys of a stack.
        kms_instance_id: KMS instance that stores the key. Empty: the region's default key, of which
            each account has one in each region.
        retention: Protection against deletion.
    """

    scope: Scope
    role: str = "data"
    kms_instance_id: str = ""
    retention: Retention = field(default_factory=Retention)


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric key with an alias.

    Attributes:
        key_id: ID of the key, known after its alias exists.
        key_arn: ARN of the key, for policies.
    """

    key_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:encryption:EncryptionKey", name, None, opts)
        protects, retain = args.retention.deletion_protection, args.retention.retain
        key = kms.Key(
            name,
            description=f"customrag: {args.scope.naming.physical(args.role)}",
            key_spec="Aliyun_AES_256",
            key_usage="ENCRYPT/DECRYPT",
            dkms_instance_id=args.kms_instance_id or None,
            automatic_rotation="Enabled",
            rotation_interval=f"{ROTATION_DAYS}d",
            pending_window_in_days=PENDING_WINDOW_DAYS,
            deletion_protection="Enabled" if protects else "Disabled",
            deletion_protection_description=(
                "encrypts a customrag stack's data" if protects else None
            ),
            tags=kept_tags(args.scope.tags, retain=retain),
            opts=pulumi.ResourceOptions(parent=self, protect=protects, retain_on_delete=retain),
        )
        alias = kms.Alias(
            f"{name}-alias",
            alias_name=f"alias/{args.scope.naming.physical(args.role)}",
            key_id=key.id,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=retain),
        )
        self.key_id = once(key.id, alias.id)
        self.key_arn = key.arn
        self.register_outputs({"key_id": self.key_id, "key_arn": self.key_arn})
