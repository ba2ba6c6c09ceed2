"""A KMS key that the stack's data is encrypted with.

Owns: the key, its alias, its rotation. Does not own: who encrypts with it (each component takes the
key's id), nor who may decrypt (`components.identity`).
API: https://www.alibabacloud.com/help/en/kms, CreateKey, ScheduleKeyDeletion, read 2026-11-21.
Who takes a customer's key: OSS, ECS disks, Simple Log Service and KMS secrets. Elasticsearch
encrypts its disks with a key of the service's own and can be told no other
(`alicloud_elasticsearch_instance`, `disk_encryption`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import kms

from components.naming import Naming
from components.outputs import once
from components.tags import kept_tags

__all__ = ["EncryptionKey", "EncryptionKeyArgs"]


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """Arguments of `EncryptionKey`.

    Attributes:
        naming: Makes the alias.
        role: Last part of the alias, so that a stack may have two keys.
        kms_instance_id: KMS instance that keeps the key. Empty: it is the region's default key, of
            which there is one for each region and account.
        rotation_days: A new version of the key after so many days, 7 to 365; 0 for never. A default
            key is rotated only where KMS's rotation of default keys has been bought (assumed from
            the price page; preflight does not see it).
        pending_window_days: Days for which a deleted key can be brought back, 7 to 366. What was
            encrypted with a key is lost with it.
        deletion_protection: KMS and Pulumi refuse to delete it. Default: they do.
        retain: The key stays when the stack is destroyed. Default: it goes, after the window.
        tags: Tags of the key.
    """

    naming: Naming
    role: str = "data"
    kms_instance_id: str = ""
    rotation_days: int = 365
    pending_window_days: int = 30
    deletion_protection: bool = True
    retain: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rotation_days != 0 and not 7 <= self.rotation_days <= 365:
            raise ValueError(f"rotation_days is {self.rotation_days}; KMS allows 7 to 365, or 0")
        if not 7 <= self.pending_window_days <= 366:
            raise ValueError(
                f"pending_window_days is {self.pending_window_days}; KMS allows 7 to 366"
            )


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric key under an alias.

    Attributes:
        key_id: The key, known once it has its alias.
        key_arn: Its ARN, for policies.
    """

    key_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:encryption:EncryptionKey", name, None, opts)
        rotates = args.rotation_days > 0
        protects = args.deletion_protection
        key = kms.Key(
            name,
            description=f"customrag: {args.naming.physical(args.role)}",
            key_spec="Aliyun_AES_256",
            key_usage="ENCRYPT/DECRYPT",
            dkms_instance_id=args.kms_instance_id or None,
            automatic_rotation="Enabled" if rotates else "Disabled",
            rotation_interval=f"{args.rotation_days}d" if rotates else None,
            pending_window_in_days=args.pending_window_days,
            deletion_protection="Enabled" if protects else "Disabled",
            deletion_protection_description=(
                "encrypts a customrag stack's data" if protects else None
            ),
            tags=kept_tags(args.tags, retain=args.retain),
            opts=pulumi.ResourceOptions(
                parent=self, protect=protects, retain_on_delete=args.retain
            ),
        )
        alias = kms.Alias(
            f"{name}-alias",
            alias_name=f"alias/{args.naming.physical(args.role)}",
            key_id=key.id,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.retain),
        )
        self.key_id = once(key.id, alias.id)
        self.key_arn = key.arn
        self.register_outputs({"key_id": self.key_id, "key_arn": self.key_arn})
