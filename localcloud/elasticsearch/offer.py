"""What Elasticsearch offers in the region: versions, node specifications, disks.

Owns the answer of ``GetRegionConfiguration``. It has the versions that a local instance accepts.
Source: https://www.alibabacloud.com/help/en/es/developer-reference/api-getregionconfiguration and
``GetRegionConfigurationResponseBody`` of the vendor's SDK 2017-06-13 (read 2026-11-21). Node
specifications: the values of ``data_node_spec`` in the provider's documentation; assumed to be all
offered.
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Properties
from localcloud.elasticsearch.checks import VERSIONS
from localcloud.faults import Faults

__all__ = ["region_configuration", "require_offer"]

# Specification to vCPUs and GiB of memory.
_SPECS: Final = {
    "elasticsearch.n4.small": (1, 2),
    "elasticsearch.sn1ne.large": (2, 4),
    "elasticsearch.sn1ne.xlarge": (4, 8),
    "elasticsearch.sn1ne.2xlarge": (8, 16),
    "elasticsearch.sn2ne.large": (2, 8),
    "elasticsearch.sn2ne.xlarge": (4, 16),
    "elasticsearch.sn2ne.2xlarge": (8, 32),
    "elasticsearch.sn2ne.4xlarge": (16, 64),
    "elasticsearch.r5.large": (2, 16),
    "elasticsearch.r5.xlarge": (4, 32),
    "elasticsearch.r5.2xlarge": (8, 64),
}
_DISK_TYPES: Final = ("cloud_ssd", "cloud_essd", "cloud_efficiency")


def region_configuration(context: Context) -> dict[str, Any]:
    """Return the ``Result`` of GetRegionConfiguration."""
    faults = Faults(context.store)
    versions = [name for name in VERSIONS if not faults.hits("version-withdrawn", version=name)]
    specs = [
        {
            "spec": spec,
            "cpuCount": cpu,
            "memorySize": memory,
            "specGroupType": "common",
            "diskType": "cloud_ssd",
            "enable": not faults.hits("node-spec-withdrawn", spec=spec),
        }
        for spec, (cpu, memory) in _SPECS.items()
    ]
    return {
        "env": "production",
        "regionId": context.platform.region_id,
        "zones": list(context.platform.zone_ids),
        "esVersions": versions,
        "esVersionsLatestList": [{"key": name, "value": name} for name in versions],
        "nodeSpecList": specs,
        "masterSpec": [spec["spec"] for spec in specs if spec["enable"]],
        "node": {"minAmount": 2, "maxAmount": 50},
        "dataDiskList": [
            {"diskType": kind, "minSize": 20, "maxSize": 5120, "scaleLimit": 2048}
            for kind in _DISK_TYPES
        ],
    }


def require_offer(inputs: Properties, context: Context) -> None:
    """Refuse a version that a fault has withdrawn.

    Raises:
        CloudError: ``InvalidParameter``.
    """
    version = str(inputs["version"])
    if Faults(context.store).hits("version-withdrawn", version=version):
        raise CloudError("InvalidParameter", f"version is {version!r}, which is no longer offered.")
