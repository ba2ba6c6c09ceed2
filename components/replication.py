"""Copies of buckets in another region, in case this region is lost.

Owns: the copies, their key, the replication rules, and the role that OSS uses. Does not own: the
source buckets (`components.storage`).
API: https://www.alibabacloud.com/help/en/oss/user-guide/cross-region-replication-with-the-same-account
and .../introduction-to-data-replication-permissions, read 2026-11-21. Only writes are
replicated, so a copy keeps objects that are deleted in the source bucket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import oss

from components.encryption import EncryptionKey, EncryptionKeyArgs
from components.identity import ServiceRole, ServiceRoleArgs
from components.outputs import once
from components.permissions import Statement, replicate_from, replicate_to, use_key
from components.retention import Retention
from components.scope import Scope
from components.storage import PrivateBucket, PrivateBucketArgs
from components.tags import merge_tags

__all__ = ["Replication", "ReplicationArgs"]

OSS_PRINCIPAL = "oss.aliyuncs.com"


@dataclass(frozen=True, kw_only=True)
class ReplicationArgs:
    """Arguments of `Replication`.

    Attributes:
        scope: Names, region and tags of the stack.
        bucket_names: Role of a bucket to its name. The buckets must be versioned.
        buckets: The same roles to the names, known after the buckets exist.
        region_id: Region of the copies.
        region_providers: Providers of that region.
        key_arn: KMS key that encrypts the buckets. If set, another key encrypts the copies in
            their region. None: OSS manages the keys of both.
        retention: Protection of the copies and the key against deletion.
    """

    scope: Scope
    bucket_names: Mapping[str, str]
    buckets: Mapping[str, pulumi.Input[str]]
    region_id: str
    region_providers: Sequence[pulumi.ProviderResource]
    key_arn: pulumi.Input[str] | None = None
    retention: Retention = field(default_factory=Retention)

    def __post_init__(self) -> None:
        if not self.region_providers:
            raise ValueError(f"region_providers is empty; pass the providers of {self.region_id}")
        if self.bucket_names.keys() != self.buckets.keys():
            raise ValueError(
                f"bucket_names has keys {sorted(self.bucket_names)} and buckets has keys "
                f"{sorted(self.buckets)}; they must be equal"
            )


class Replication(pulumi.ComponentResource):
    """A copy of each bucket in another region.

    Attributes:
        bucket_names: Role to the name of the copy, known after its replication rule exists.
    """

    bucket_names: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: ReplicationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:backup:Replication", name, None, opts)
        self._args = args
        self._there = pulumi.ResourceOptions(parent=self, providers=list(args.region_providers))
        key = self._key(name) if args.key_arn is not None else None
        role = ServiceRole(
            f"{name}-role",
            ServiceRoleArgs(
                role_name=args.scope.naming.physical("replication"),
                description="customrag: OSS copies buckets to another region",
                principal=OSS_PRINCIPAL,
                statements=self._statements(key),
                tags=args.scope.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.bucket_names = {
            bucket_role: self._copy(name, bucket_role, source, role, key)
            for bucket_role, source in args.buckets.items()
        }
        self.register_outputs(dict(self.bucket_names))

    def _key(self, name: str) -> EncryptionKey:
        args = self._args
        return EncryptionKey(
            f"{name}-key",
            EncryptionKeyArgs(
                scope=args.scope,
                role="replica",
                retention=args.retention,
            ),
            self._there,
        )

    def _statements(
        self, key: EncryptionKey | None
    ) -> Sequence[Statement] | pulumi.Output[Sequence[Statement]]:
        args = self._args
        copies = [args.scope.naming.bucket(f"{role}-replica") for role in args.bucket_names]
        buckets = [
            *(replicate_from(bucket) for bucket in args.bucket_names.values()),
            *(replicate_to(bucket) for bucket in copies),
        ]
        if key is None or args.key_arn is None:
            return buckets
        return pulumi.Output.all(args.key_arn, key.key_arn).apply(
            lambda arns: [
                *buckets,
                use_key(str(arns[0]), reason="decrypts the objects that it copies"),
                use_key(str(arns[1]), reason="encrypts the copies"),
            ]
        )

    def _copy(
        self,
        name: str,
        bucket_role: str,
        source: pulumi.Input[str],
        role: ServiceRole,
        key: EncryptionKey | None,
    ) -> pulumi.Output[str]:
        args = self._args
        copy = PrivateBucket(
            f"{name}-{bucket_role}",
            PrivateBucketArgs(
                bucket_name=args.scope.naming.bucket(f"{bucket_role}-replica"),
                tags=merge_tags(args.scope.tags, {"content": f"{bucket_role}-replica"}),
                kms_key_id=key.key_id if key is not None else None,
                retention=args.retention,
            ),
            self._there,
        )
        rule = oss.BucketReplication(
            f"{name}-{bucket_role}-rule",
            bucket=source,
            action="PUT",
            historical_object_replication="enabled",
            destination=oss.BucketReplicationDestinationArgs(
                bucket=copy.bucket_name, location=f"oss-{args.region_id}"
            ),
            sync_role=role.role_name,
            encryption_configuration=(
                oss.BucketReplicationEncryptionConfigurationArgs(replica_kms_key_id=key.key_id)
                if key is not None
                else None
            ),
            source_selection_criteria=_encrypted_too() if key is not None else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return once(copy.bucket_name, rule.id)


def _encrypted_too() -> oss.BucketReplicationSourceSelectionCriteriaArgs:
    return oss.BucketReplicationSourceSelectionCriteriaArgs(
        sse_kms_encrypted_objects=(
            oss.BucketReplicationSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(status="Enabled")
        )
    )
