"""Logs, and alarms that alert the on-call contacts.

Owns: which units are collected, and the alarm rules with their thresholds. Does not own: how they
are declared (`components.observability`).
Thresholds of Elasticsearch: https://www.alibabacloud.com/help/en/es/user-guide/
metrics-and-exception-handling-suggestions, "Recommended thresholds"; its metrics and their
dimensions: https://help.aliyun.com/document_detail/163515.html; metrics of ALB:
https://www.alibabacloud.com/help/en/slb/application-load-balancer/developer-reference/
alb-monitoring-metrics; read 2026-11-21. The other thresholds are assumed: a start, to be moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pulumi

from components.chat_app import ChatApp
from components.elasticsearch import ElasticsearchCluster
from components.identity import ServiceRole, ServiceRoleArgs
from components.observability import Alarm, Alarms, AlarmsArgs, LogCollection, LogCollectionArgs
from components.opensearch import OpenSearchCluster
from components.permissions import Statement, describe_key, use_key
from infra.context import Context
from infra.embedding import Embedding
from infra.foundation import Foundation

__all__ = ["collect_logs", "watch"]

LOG_PRINCIPAL = "log.aliyuncs.com"
# What the nodes run, and what brought them up.
UNITS = (
    "cloud-final.service",
    "customrag-chat.service",
    "customrag-embedding.service",
    "customrag-log-agent.service",
    "customrag-opensearch.service",
)
_ELASTICSEARCH, _ECS, _ALB = "acs_elasticsearch", "acs_ecs_dashboard", "acs_alb"


def collect_logs(context: Context, foundation: Foundation) -> LogCollection | None:
    """Declare the log project, if the stack keeps logs."""
    config = context.config
    if not config.observability.log_retention_days:
        return None
    return LogCollection(
        "logs",
        LogCollectionArgs(
            scope=context.scope,
            retention_days=config.observability.log_retention_days,
            units=UNITS,
            load_balancer=config.chat.load_balancer,
            kms_key_id=foundation.key_id,
            kms_role_arn=_key_role(context, foundation),
        ),
        context.options(),
    )


def _key_role(context: Context, foundation: Foundation) -> pulumi.Output[str] | None:
    """Return the role in which the log service uses the stack's key.

    Source: https://www.alibabacloud.com/help/en/sls/developer-reference/encrypt-data, read
    2026-11-21; narrower than the system policies named there: this key alone.
    """
    if foundation.key is None:
        return None

    def statements(key_arn: str) -> list[Statement]:
        return [
            use_key(key_arn, reason="encrypts and reads logs"),
            describe_key(key_arn, reason="looks whether the key may be used"),
        ]

    return ServiceRole(
        "logs-key-role",
        ServiceRoleArgs(
            role_name=context.scope.naming.physical("logs-key"),
            description="customrag: the log service encrypts with the stack's key",
            principal=LOG_PRINCIPAL,
            statements=pulumi.Output.from_input(foundation.key.key_arn).apply(statements),
            tags=context.scope.tags,
        ),
        context.options(),
    ).role_arn


def watch(
    context: Context,
    elasticsearch: ElasticsearchCluster | None,
    opensearch: OpenSearchCluster | None,
    embedding: Embedding,
    chat: ChatApp,
) -> Alarms | None:
    """Declare the alarms, if there are contacts to alert."""
    if not context.config.observability.alarm_contact_emails:
        return None
    return Alarms(
        "alarms",
        AlarmsArgs(
            scope=context.scope,
            emails=context.config.observability.alarm_contact_emails,
            alarms=[
                *_elasticsearch(context, elasticsearch),
                *_opensearch(opensearch),
                *_embedding(embedding),
                *(_node("chat", chat.instance_id) if chat.instance_id is not None else ()),
                *(_front(chat.load_balancer_id) if chat.load_balancer_id is not None else ()),
            ],
        ),
        context.options(),
    )


def _elasticsearch(context: Context, cluster: ElasticsearchCluster | None) -> Iterator[Alarm]:
    if cluster is None:
        return
    rule = partial(
        Alarm,
        namespace=_ELASTICSEARCH,
        dimensions={"clusterId": cluster.instance_id},
        times=5,
    )
    # 0 green, 1 yellow, 2 red.
    status = partial(rule, metric="ClusterStatus", statistics="Value")
    yield status(name="search-red", threshold=1, critical=True)
    yield status(name="search-yellow", threshold=0)
    yield rule(name="search-disk", metric="NodeDiskUtilization", threshold=75)
    yield rule(name="search-disk-full", metric="NodeDiskUtilization", threshold=85, critical=True)
    yield rule(name="search-heap", metric="NodeHeapMemoryUtilization", threshold=85, critical=True)
    if context.config.search.snapshot_schedule:
        # 0 taken, 1 being taken, 2 failed; -1 none yet.
        yield rule(
            name="search-snapshot",
            metric="ClusterAutoSnapshotLatestStatus",
            threshold=1,
            statistics="Maximum",
            critical=True,
        )


def _opensearch(cluster: OpenSearchCluster | None) -> Iterator[Alarm]:
    for name, instance_id in (cluster.instance_ids if cluster is not None else {}).items():
        yield from _node(f"opensearch-{name}", instance_id)


def _embedding(embedding: Embedding) -> Iterator[Alarm]:
    """Yield alarms of every node. The first has the same names as an only node."""
    for number, node in enumerate(embedding.nodes, start=1):
        role = "embedding" if number == 1 else f"embedding-{number}"
        yield from _node(role, node.instance_id)
        yield _gpu(role, node.instance_id)


def _node(role: str, instance_id: pulumi.Output[str]) -> Iterator[Alarm]:
    rule = partial(Alarm, namespace=_ECS, dimensions={"instanceId": instance_id}, times=15)
    yield rule(name=f"{role}-cpu", metric="cpu_total", threshold=90)
    yield rule(name=f"{role}-disk", metric="diskusage_utilization", threshold=85, critical=True)


def _gpu(role: str, instance_id: pulumi.Output[str]) -> Alarm:
    # A GPU is billed whether it is used or not; two idle hours are worth an alarm.
    return Alarm(
        name=f"{role}-gpu-idle",
        namespace=_ECS,
        metric="instance_gpu_gpu_usedutilization",
        dimensions={"instanceId": instance_id},
        statistics="Maximum",
        operator="<",
        threshold=1,
        times=24,
        period_seconds=300,
    )


def _front(load_balancer_id: pulumi.Output[str]) -> Iterator[Alarm]:
    rule = partial(
        Alarm,
        namespace=_ALB,
        dimensions={"loadBalancerId": load_balancer_id},
        statistics="Value",
        critical=True,
    )
    yield rule(name="chat-5xx", metric="ListenerHTTPCode5XX", threshold=1)
    yield rule(name="chat-unhealthy", metric="ListenerUnHealthyHostCount", threshold=0, times=5)
