"""OSS buckets that are private, versioned and encrypted, and have life-cycle rules.

Owns: buckets and their protection. Does not own: the objects in them (`providers.Corpus`,
`components.code`). OSS API: https://www.alibabacloud.com/help/en/oss/developer-reference, read
2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pulumi
from pulumi_alicloud import oss

from components.outputs import once
from components.retention import Retention
from components.scope import Scope
from components.tags import kept_tags, merge_tags

__all__ = [
    "BucketRole",
    "ExistingBucket",
    "PrivateBucket",
    "PrivateBucketArgs",
    "Storage",
    "StorageArgs",
]

# An upload that is incomplete after this time never completes.
ABORT_MULTIPART_UPLOAD_DAYS = 3


class BucketRole(StrEnum):
    """The content of a bucket. Each role has its own bucket, readers and retention."""

    CORPUS = "corpus"
    ARTIFACTS = "artifacts"


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """Arguments of `PrivateBucket`.

    Attributes:
        bucket_name: Physical name, global to OSS.
        tags: Tags of the bucket.
        kms_key_id: KMS key that encrypts the objects. Default: keys that OSS manages (AES256).
        noncurrent_version_expiration_days: Days for which an overwritten or deleted object can be
            restored, 1 or more.
        retention: Protection against deletion.
    """

    bucket_name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    kms_key_id: pulumi.Input[str] | None = None
    noncurrent_version_expiration_days: int = 30
    retention: Retention = field(default_factory=Retention)

    def __post_init__(self) -> None:
        if self.noncurrent_version_expiration_days < 1:
            raise ValueError(
                "noncurrent_version_expiration_days is "
                f"{self.noncurrent_version_expiration_days}; it must be 1 or more"
            )


class PrivateBucket(pulumi.ComponentResource):
    """A private OSS bucket whose overwritten and deleted objects can be restored."""

    bucket_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:storage:PrivateBucket", name, None, opts)
        # A retained bucket keeps its settings, because it would be less private without them.
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=args.retention.retain)
        bucket = oss.Bucket(
            name,
            bucket=args.bucket_name,
            force_destroy=args.retention.force_destroy,
            lifecycle_rules=_lifecycle_rules(args),
            tags=kept_tags(args.tags, retain=args.retention.retain),
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(
                    protect=args.retention.deletion_protection,
                    # Other resources set these; the bucket only reports them.
                    ignore_changes=["acl", "policy", "serverSideEncryptionRule", "versioning"],
                ),
            ),
        )
        bucket_id = bucket.id
        oss.BucketAcl(f"{name}-acl", bucket=bucket_id, acl="private", opts=child)
        block = oss.BucketPublicAccessBlock(
            f"{name}-public-access-block", bucket=bucket_id, block_public_access=True, opts=child
        )
        versioning = oss.BucketVersioning(
            f"{name}-versioning", bucket=bucket_id, status="Enabled", opts=child
        )
        encryption = oss.BucketServerSideEncryption(
            f"{name}-encryption",
            bucket=bucket_id,
            sse_algorithm="KMS" if args.kms_key_id is not None else "AES256",
            kms_master_key_id=args.kms_key_id,
            opts=child,
        )
        # Users of the name wait for these three. Otherwise an object could be unversioned,
        # unencrypted or briefly public.
        self.bucket_name = once(bucket_id, block.id, versioning.id, encryption.id)
        self.register_outputs({"bucket_name": self.bucket_name})


class ExistingBucket(pulumi.ComponentResource):
    """An existing bucket, which is never changed or deleted.

    Its owner decides about encryption, versioning and access. The stack writes documents under a
    separate prefix.
    """

    bucket_name: pulumi.Output[str]

    def __init__(
        self, name: str, bucket_name: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:storage:ExistingBucket", name, None, opts)
        bucket = oss.Bucket.get(name, bucket_name, opts=pulumi.ResourceOptions(parent=self))
        self.bucket_name = once(bucket_name, bucket.location)
        self.register_outputs({"bucket_name": self.bucket_name})


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """Arguments of `Storage`.

    Attributes:
        scope: Names, region and tags of the stack.
        existing_corpus_bucket: Name of a bucket to keep the documents in. Empty: one is made.
        kms_key_id: See `PrivateBucketArgs`.
        retention: Protection of the buckets against deletion.
    """

    scope: Scope
    existing_corpus_bucket: str = ""
    kms_key_id: pulumi.Input[str] | None = None
    retention: Retention = field(default_factory=Retention)


class Storage(pulumi.ComponentResource):
    """The buckets for documents, and for code, models and job results."""

    corpus: PrivateBucket | ExistingBucket
    artifacts: PrivateBucket

    def __init__(
        self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:storage:Storage", name, None, opts)
        self._args = args
        self.corpus = (
            ExistingBucket(
                f"{name}-{BucketRole.CORPUS}",
                args.existing_corpus_bucket,
                pulumi.ResourceOptions(parent=self),
            )
            if args.existing_corpus_bucket
            else self._bucket(name, BucketRole.CORPUS)
        )
        self.artifacts = self._bucket(name, BucketRole.ARTIFACTS)
        self.register_outputs(
            {
                BucketRole.CORPUS: self.corpus.bucket_name,
                BucketRole.ARTIFACTS: self.artifacts.bucket_name,
            }
        )

    def _bucket(self, name: str, role: BucketRole) -> PrivateBucket:
        args = self._args
        return PrivateBucket(
            f"{name}-{role}",
            PrivateBucketArgs(
                bucket_name=args.scope.naming.bucket(role),
                tags=merge_tags(args.scope.tags, {"content": role}),
                kms_key_id=args.kms_key_id,
                retention=args.retention,
            ),
            pulumi.ResourceOptions(parent=self),
        )


def _lifecycle_rules(args: PrivateBucketArgs) -> list[oss.BucketLifecycleRuleArgs]:
    return [
        oss.BucketLifecycleRuleArgs(
            id="expire-noncurrent-versions",
            enabled=True,
            prefix="",
            noncurrent_version_expirations=[
                oss.BucketLifecycleRuleNoncurrentVersionExpirationArgs(
                    days=args.noncurrent_version_expiration_days
                )
            ],
            expirations=[oss.BucketLifecycleRuleExpirationArgs(expired_object_delete_marker=True)],
        ),
        oss.BucketLifecycleRuleArgs(
            id="abort-multipart-uploads",
            enabled=True,
            prefix="",
            abort_multipart_uploads=[
                oss.BucketLifecycleRuleAbortMultipartUploadArgs(days=ABORT_MULTIPART_UPLOAD_DAYS)
            ],
        ),
    ]
