"""Copies of data elsewhere: buckets in another region, indices in OSS.

Owns: which buckets. Does not own: how (`components.replication`, `providers.SnapshotSchedule`).
Versioning, which every bucket has, restores overwritten objects; these copies are for the loss of a
bucket, a cluster or a region.
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
    context: Context, foundation: Foundation, cluster: ElasticsearchCluster | None
) -> Replication | None:
    """Declare copies of corpus and artifacts, and Elasticsearch's snapshots, as configured.

    Existing resources are left alone: their owner decides about a bucket's copies and an instance's
    snapshots.
    """
    config = context.config
    if config.search.snapshot_schedule and config.existing.elasticsearch_instance_id:
        pulumi.log.warn(
            "customrag:elasticsearchSnapshotSchedule is ignored, because the stack does not own "
            f"instance {config.existing.elasticsearch_instance_id}. Schedule its snapshots in the "
            "Elasticsearch console"
        )
    elif config.search.snapshot_schedule and cluster is not None:
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
            scope=context.scope,
            bucket_names={role: context.bucket(BucketRole(role)) for role in buckets},
            buckets=buckets,
            region_id=config.protection.replication_region_id,
            region_providers=context.platform.replica_providers,
            key_arn=foundation.key.key_arn if foundation.key is not None else None,
            retention=context.retention,
        ),
        context.options(),
    )
