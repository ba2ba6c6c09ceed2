"""What the cloud refuses although each value alone is allowed. Pure.

Owns the rules that span several properties, and documents with a language of their own. Does not
own what one property accepts: that is in the facts files. Texts marked "SDK" are the input
documentation of pulumi_alicloud 4.0.0, which is generated from the provider's; read 2026-11-29.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from provider_facts.metrics import METRICS
from provider_facts.policies import (
    MAX_DOCUMENT_CHARACTERS,
    PolicyDocumentError,
    PolicyStatement,
    read_policy,
    read_trust_policy,
)

__all__ = ["broken_rules"]

Inputs = Mapping[str, Any]
Broken = Iterator[tuple[str, str]]

# GiB by category, and for an ESSD by performance level; PL1 is the default. Comments of
# RunInstances and ResizeDisk in Alibaba Cloud's ECS SDKs of API 2014-05-26, read 2026-11-29:
# https://www.alibabacloud.com/help/en/ecs/developer-reference/api-runinstances
_SYSTEM_DISK_GIB: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "cloud": (20, 500),
        "cloud_essd PL0": (1, 2048),
        "cloud_essd PL1": (20, 2048),
        "cloud_essd PL2": (461, 2048),
        "cloud_essd PL3": (1261, 2048),
        "cloud_auto": (1, 2048),
        "cloud_efficiency": (20, 2048),
        "cloud_ssd": (20, 2048),
        "cloud_essd_entry": (20, 2048),
    }
)
_DATA_DISK_GIB: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "cloud": (5, 2000),
        "cloud_essd PL0": (1, 65536),
        "cloud_essd PL1": (20, 65536),
        "cloud_essd PL2": (461, 65536),
        "cloud_essd PL3": (1261, 65536),
        "cloud_auto": (1, 65536),
        "cloud_efficiency": (20, 32768),
        "cloud_ssd": (20, 32768),
        "cloud_essd_entry": (10, 32768),
        "elastic_ephemeral_disk_standard": (64, 8192),
        "elastic_ephemeral_disk_premium": (64, 8192),
    }
)
# Data nodes of Elasticsearch. The upper bounds of SSDs and ultra disks, and the sizes of large
# ultra disks: https://help.aliyun.com/zh/terraform/alicloud-elasticsearch-instance, and the ROS
# type ALIYUN::ElasticSearch::Instance, read 2026-11-29. ESSDs: those of ECS. 20 is assumed to be
# the smallest of all, because the purchase page and the API's examples begin there.
_SEARCH_DISK_GIB: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "cloud_ssd": (20, 2048),
        "cloud_efficiency": (20, 5120),
        "cloud_essd PL1": (20, 65536),
        "cloud_essd PL2": (461, 65536),
        "cloud_essd PL3": (1261, 65536),
    }
)
_LARGE_ULTRA_DISKS_GIB: Final = (2560, 3072, 3584, 4096, 4608, 5120)
# Mbit/s by payment and charge type. SDK: `bandwidth` of ecs.EipAddress.
_EIP_BANDWIDTH: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        ("PayAsYouGo", "PayByBandwidth"): 500,
        ("PayAsYouGo", "PayByTraffic"): 200,
        ("Subscription", "PayByBandwidth"): 1000,
        ("Subscription", "PayByTraffic"): 1000,
    }
)
_SECONDS: Final = MappingProxyType({"d": 86400, "h": 3600, "m": 60, "s": 1})


def broken_rules(token: str, inputs: Inputs) -> Broken:
    """Yield the path and the reason for each rule that the inputs break.

    Args:
        token: The resource type.
        inputs: Values by wire name. Secrets, and values that are not known yet, are objects of
            another type, which no rule judges.
    """
    for rule in _RULES.get(token, ()):
        yield from rule(inputs)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _disk(sizes: Mapping[str, tuple[int, int]], path: str, disk: Any) -> Broken:
    """Check a disk with `size`, `category` and `performanceLevel`."""
    given = _object(disk)
    size, category = given.get("size"), given.get("category")
    if not isinstance(size, int | float) or not isinstance(category, str):
        return
    level = given.get("performanceLevel") or "PL1"
    kind = f"{category} {level}" if category == "cloud_essd" else category
    lowest, highest = sizes.get(kind, (None, None))
    if lowest is not None and highest is not None and not lowest <= size <= highest:
        yield path, f"is {size:g} GiB; a {kind} disk has {lowest} to {highest} GiB"


def _data_disks(inputs: Inputs) -> Broken:
    disks = inputs.get("dataDisks")
    for index, disk in enumerate(disks if isinstance(disks, list) else ()):
        yield from _disk(_DATA_DISK_GIB, f"dataDisks[{index}].size", disk)


def _instance_disk(inputs: Inputs) -> Broken:
    names = ("Size", "Category", "PerformanceLevel")
    disk = {f"{name[0].lower()}{name[1:]}": inputs.get(f"systemDisk{name}") for name in names}
    yield from _disk(_SYSTEM_DISK_GIB, "systemDiskSize", disk)


def _own_disk(inputs: Inputs) -> Broken:
    yield from _disk(_DATA_DISK_GIB, "size", inputs)


def _template_disk(inputs: Inputs) -> Broken:
    yield from _disk(_SYSTEM_DISK_GIB, "systemDisk.size", inputs.get("systemDisk"))


def _search_disks(inputs: Inputs) -> Broken:
    node = _object(inputs.get("dataNodeConfiguration"))
    kind, level, size = node.get("diskType"), node.get("performanceLevel"), node.get("disk")
    if kind == "cloud_essd" and not level:
        # https://help.aliyun.com/en/es/developer-reference/api-elasticsearch-2017-06-13-struct-nodespec
        # (read 2026-11-29).
        yield (
            "dataNodeConfiguration.performanceLevel",
            "is missing; a cloud_essd disk needs PL1, PL2 or PL3",
        )
    path = "dataNodeConfiguration.disk"
    disk = {"size": size, "category": kind, "performanceLevel": level}
    broken = list(_disk(_SEARCH_DISK_GIB, path, disk))
    yield from broken
    if broken or kind != "cloud_efficiency" or not isinstance(size, int | float):
        return
    if size > 2048 and size not in _LARGE_ULTRA_DISKS_GIB:
        sizes = ", ".join(map(str, _LARGE_ULTRA_DISKS_GIB))
        yield path, f"is {size:g} GiB; a cloud_efficiency disk above 2048 GiB has {sizes} GiB"


def _eip_bandwidth(inputs: Inputs) -> Broken:
    payment = inputs.get("paymentType", "PayAsYouGo")
    highest = _EIP_BANDWIDTH.get((payment, inputs.get("internetChargeType", "PayByBandwidth")))
    bandwidth = str(inputs.get("bandwidth", ""))
    if highest and bandwidth.isdigit() and not 1 <= int(bandwidth) <= highest:
        yield "bandwidth", f"is {bandwidth} Mbit/s; this kind of address has 1 to {highest}"


def _key_rotation(inputs: Inputs) -> Broken:
    # SDK: `rotation_interval` of kms.Key.
    interval = inputs.get("rotationInterval")
    if not isinstance(interval, str):
        if inputs.get("automaticRotation") == "Enabled" and "rotationInterval" not in inputs:
            yield "rotationInterval", "is missing; automaticRotation Enabled needs it, e.g. 365d"
        return
    found = re.fullmatch(r"(\d+)([dhms])", interval)
    if found is None or not 7 <= int(found[1]) * _SECONDS[found[2]] / 86400 <= 365:
        yield "rotationInterval", f"is {interval!r}; give 7 to 365 days, e.g. 365d or 604800s"


def _secret_recovery(inputs: Inputs) -> Broken:
    # SDK: `recovery_window_in_days` of kms.Secret.
    days = inputs.get("recoveryWindowInDays")
    if inputs.get("forceDeleteWithoutRecovery") or not isinstance(days, int | float):
        return
    if not 7 <= days <= 30:
        yield (
            "recoveryWindowInDays",
            f"is {days:g} days; give 7 to 30, or set forceDeleteWithoutRecovery to true",
        )


def _group_size(inputs: Inputs) -> Broken:
    # https://api.aliyun.com/document/Ess/2022-02-22/CreateScalingGroup (read 2026-11).
    lowest, highest = inputs.get("minSize"), inputs.get("maxSize")
    if not (isinstance(lowest, int | float) and isinstance(highest, int | float)):
        return
    if lowest > highest:
        yield "minSize", f"is {lowest:g}; it can be at most maxSize, which is {highest:g}"
    desired = inputs.get("desiredCapacity")
    if isinstance(desired, int | float) and not lowest <= desired <= highest:
        yield (
            "desiredCapacity",
            f"is {desired:g}; give minSize to maxSize, {lowest:g} to {highest:g}",
        )


def _balancer_zones(inputs: Inputs) -> Broken:
    # SDK: `zone_mappings` of alb.LoadBalancer.
    zones = inputs.get("zoneMappings")
    if isinstance(zones, list) and len(zones) < 2:
        yield "zoneMappings", f"has {len(zones)} entries; a load balancer needs at least two zones"


def _log_shards(inputs: Inputs) -> Broken:
    # SDK: `max_split_shard_count` of log.Store.
    if inputs.get("autoSplit") is True and not inputs.get("maxSplitShardCount"):
        yield "maxSplitShardCount", "is missing; autoSplit true needs it, 1 to 256"


def _alarm_statistics(inputs: Inputs) -> Broken:
    known = METRICS.get(str(inputs.get("project")), {}).get(str(inputs.get("metric")))
    for level in ("escalationsCritical", "escalationsWarn", "escalationsInfo"):
        given = _object(inputs.get(level)).get("statistics")
        if known and isinstance(given, str) and given not in known:
            yield (
                f"{level}.statistics",
                f"is {given!r}; metric {inputs['metric']} has {', '.join(known)}",
            )


def _port_range(inputs: Inputs) -> Broken:
    # SDK: `port_range` of ecs.SecurityGroupRule.
    text = inputs.get("portRange", "-1/-1")
    protocol = inputs.get("ipProtocol")
    if not isinstance(text, str) or not isinstance(protocol, str):
        return
    if protocol not in ("tcp", "udp"):
        if text != "-1/-1":
            yield "portRange", f"is {text!r}; protocol {protocol} takes -1/-1"
        return
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= 65535:
        yield "portRange", f"is {text!r}; protocol {protocol} takes from/to, each 1 to 65535"


def _document(path: str, text: Any, read: Callable[[str], tuple[PolicyStatement, ...]]) -> Broken:
    if not isinstance(text, str):
        return
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        yield path, f"has {len(text)} characters; at most {MAX_DOCUMENT_CHARACTERS} are allowed"
    try:
        read(text)
    except PolicyDocumentError as error:
        yield path, f"is not a valid document: {error}"


def _policy_document(inputs: Inputs) -> Broken:
    for name in ("policyDocument", "document"):
        yield from _document(name, inputs.get(name), read_policy)


def _trust_document(inputs: Inputs) -> Broken:
    for name in ("assumeRolePolicyDocument", "document"):
        yield from _document(name, inputs.get(name), read_trust_policy)


_RULES: Final[Mapping[str, tuple[Callable[[Inputs], Broken], ...]]] = MappingProxyType(
    {
        "alicloud:alb/loadBalancer:LoadBalancer": (_balancer_zones,),
        "alicloud:cms/alarm:Alarm": (_alarm_statistics,),
        "alicloud:ecs/ecsDisk:EcsDisk": (_own_disk,),
        "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": (_template_disk, _data_disks),
        "alicloud:ecs/eipAddress:EipAddress": (_eip_bandwidth,),
        "alicloud:ecs/instance:Instance": (_instance_disk, _data_disks),
        "alicloud:ecs/securityGroupRule:SecurityGroupRule": (_port_range,),
        "alicloud:elasticsearch/instance:Instance": (_search_disks,),
        "alicloud:ess/scalingGroup:ScalingGroup": (_group_size,),
        "alicloud:kms/key:Key": (_key_rotation,),
        "alicloud:kms/secret:Secret": (_secret_recovery,),
        "alicloud:log/store:Store": (_log_shards,),
        "alicloud:ram/policy:Policy": (_policy_document,),
        "alicloud:ram/role:Role": (_trust_document,),
    }
)
