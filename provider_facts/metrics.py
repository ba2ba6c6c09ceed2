"""CloudMonitor metrics that alarms may watch, and the statistics of each.

Source: https://www.alibabacloud.com/help/en/cms/support/appendix-1-metrics and, for each namespace,
the product's page: es/user-guide/metrics-and-exception-handling-suggestions,
slb/application-load-balancer/developer-reference/alb-monitoring-metrics (read 2026-11). Since
2024-08-15 CloudMonitor refuses a statistic that the metric does not have:
https://www.alibabacloud.com/help/en/cms/cloudmonitor-1-0/developer-reference/
api-cms-2019-01-01-putresourcemetricrule (read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["METRICS"]

_NODE = ("Average", "Minimum", "Maximum")
METRICS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "acs_elasticsearch": {
        "ClusterStatus": ("Value", "Maximum"),
        "ClusterAutoSnapshotLatestStatus": ("Maximum",),
        "NodeCPUUtilization": _NODE,
        "NodeDiskUtilization": _NODE,
        "NodeHeapMemoryUtilization": _NODE,
    },
    "acs_ecs_dashboard": {
        "cpu_total": _NODE,
        "memory_usedutilization": _NODE,
        "diskusage_utilization": _NODE,
        "instance_gpu_gpu_usedutilization": _NODE,
        "instance_gpu_memory_usedutilization": _NODE,
    },
    "acs_alb": {
        "ListenerHTTPCode5XX": ("Value",),
        "ListenerHTTPCodeUpstream5XX": ("Value",),
        "ListenerUnHealthyHostCount": ("Value",),
        "ServerGroupUnHealthyHostCount": ("Value",),
        "ServerGroupHTTPCodeUpstream5XX": ("Value",),
    },
}
