"""What is copied away, and where to: buckets to another region, indices to OSS.

Owns: which buckets. Does not own: how (`components.replication`, `providers.SnapshotSchedule`).
Versioning, which every bucket has, brings back what was overwritten; this is for what versioning
does not survive.
"""

from __future__ import annotations

import pulumi

import providers
from components.elasticsearch import ElasticsearchCluster
from components.replication import Replication, ReplicationArgs
from components.storage import BucketRole
from infra.context import Context
from infra.foundation import Foundation

__all__ = ["back_up"]


def back_up(
    context: Context, foundation: Foundation, cluster: ElasticsearchCluster
) -> Replication | None:
    """Declares copies of corpus and artifacts, and the cluster's snapshots, as configured.

    Existing resources are left alone: their owner decides about a bucket's copies and an instance's
    snapshots.
    """
    config = context.config
    if config.search.snapshot_schedule and config.existing.elasticsearch_instance_id:
        pulumi.log.warn(
            "customrag:elasticsearchSnapshotSchedule is not applied: the instance "
            f"{config.existing.elasticsearch_instance_id} was brought along, so its snapshots are "
            "its owner's"
        )
    elif config.search.snapshot_schedule:
        providers.SnapshotSchedule(
            "search-snapshots",
            providers.SnapshotScheduleArgs(
                instance_id=cluster.instance_id, schedule=config.search.snapshot_schedule
            ),
            pulumi.ResourceOptions.merge(context.options(), pulumi.ResourceOptions(parent=cluster)),
        )
    if not config.protection.replication_region_id:
        return None
    storage = foundation.storage
    buckets: dict[str, pulumi.Input[str]] = {BucketRole.ARTIFACTS: storage.artifacts.bucket_name}
    if not config.existing.corpus_bucket:
        buckets[BucketRole.CORPUS] = storage.corpus.bucket_name
    return Replication(
        "replication",
        ReplicationArgs(
            naming=context.naming,
            bucket_names={role: context.bucket(BucketRole(role)) for role in buckets},
            buckets=buckets,
            region_id=config.protection.replication_region_id,
            region_providers=context.platform.replica_providers,
            key_arn=foundation.key.key_arn if foundation.key is not None else None,
            force_destroy=config.protection.force_destroy,
            deletion_protection=config.protection.deletion_protection,
            retain=config.protection.retain_data,
            tags=context.tags,
        ),
        context.options(),
    )
