"""The operations of Elasticsearch, for the generated coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation
from localcloud.elasticsearch.checks import VERSIONS
from localcloud.elasticsearch.distribution import VERSION

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="elasticsearch",
        name="GetRegionConfiguration",
        api="GET /openapi/region (2017-06-13)",
        notes="versions, node specifications and disks that a local instance accepts",
    ),
    Operation(
        service="elasticsearch",
        name="DescribeInstance",
        api="GET /openapi/instances/{InstanceId} (2017-06-13)",
        notes="one engine node, whatever the number of data nodes; no Kibana",
    ),
    Operation(
        service="elasticsearch",
        name="ListInstance",
        api="GET /openapi/instances (2017-06-13)",
        notes="filter by instanceId only",
    ),
    Operation(
        service="elasticsearch",
        name="DescribeSnapshotSetting",
        api="GET /openapi/instances/{InstanceId}/snapshot-setting (2017-06-13)",
    ),
    Operation(
        service="elasticsearch",
        name="UpdateSnapshotSetting",
        api="POST /openapi/instances/{InstanceId}/snapshot-setting (2017-06-13)",
        notes="the engine really takes snapshots, into the instance's folder",
    ),
    Operation(
        service="elasticsearch",
        name="(the engine's own REST API)",
        api="http://<domain>:9200/",
        notes=(
            f"a real Elasticsearch {VERSION}, basic licence, for each of {', '.join(VERSIONS)}; "
            "with search templates (_search/template and _render/template, no _msearch/template); "
            "without painless, ingest processors, language analysers, RRF and inference; HTTP "
            "only; white lists are recorded, but not enforced"
        ),
    ),
)
