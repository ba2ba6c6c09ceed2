"""ECS 2014-05-26 over RPC: queries about regions, zones, instance types, stock and limits.

Owns the replies to these queries. Every known instance type is in stock in every zone, unless a
fault is active.
Source: https://api.aliyun.com/document/Ecs/2014-05-26/DescribeAvailableResource, .../DescribeZones,
.../DescribeAccountAttributes (read 2026-11-21).
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.instance_types import INSTANCE_TYPES, InstanceType
from localcloud.core.resources import Context
from localcloud.core.rpc import MAX_LISTED, RpcApi, RpcCall, numbered_names
from localcloud.faults import Faults
from localcloud.vpc.resources import INSTANCES

API: Final = RpcApi("ecs", "Ecs", "2014-05-26")
IMAGE_ID: Final = "local_python"
"""The value of `customrag:imageId` in a stack of the local cloud."""
# The vCPU limit of a new account. Assumed, because the cloud sets it per account.
_MAX_VCPUS: Final = 1000
_CHARGE_TYPES: Final = ("PostPaid", "PrePaid")
_SPOT: Final = ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")


@API.action("DescribeRegions", notes="the stack's region")
def describe_regions(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeRegions with the one region of this stack."""
    region_id = call.context.platform.region_id
    region = {
        "RegionId": region_id,
        "LocalName": region_id,
        "RegionEndpoint": call.context.platform.endpoints["api"],
        "Status": "available",
    }
    return {"Regions": {"Region": [region]}}


@API.action("DescribeZones")
def describe_zones(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeZones with the zones that are not closed by a fault."""
    zones = [
        {
            "ZoneId": zone_id,
            "LocalName": zone_id,
            "ZoneType": "AvailabilityZone",
            "AvailableInstanceTypes": {"InstanceTypes": list(INSTANCE_TYPES)},
        }
        for zone_id in _open_zones(call.context)
    ]
    return {"Zones": {"Zone": zones}}


@API.action("DescribeInstanceTypes", *numbered_names("InstanceTypes", MAX_LISTED))
def describe_instance_types(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeInstanceTypes with all types, or those that the call names."""
    wanted = call.listed("InstanceTypes")
    found = [
        {
            "InstanceTypeId": spec.name,
            "InstanceTypeFamily": spec.name.rpartition(".")[0].partition("-")[0],
            "CpuCoreCount": spec.cpu,
            "MemorySize": spec.memory_gib,
            "GPUAmount": spec.gpu,
            "GPUSpec": spec.gpu_type,
        }
        for spec in INSTANCE_TYPES.values()
        if not wanted or spec.name in wanted
    ]
    return {"InstanceTypes": {"InstanceType": found}}


@API.action(
    "DescribeAvailableResource",
    *("DestinationResource", "InstanceChargeType", "InstanceType", "SpotStrategy", "ZoneId"),
    notes="DestinationResource InstanceType; every known type is in stock unless a fault is active",
)
def describe_available_resource(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeAvailableResource for instance types."""
    given = call.parameters
    what = call.required("DestinationResource")
    if what != "InstanceType":
        raise not_supported(f"DestinationResource={what!r}", "the supported value is InstanceType")
    for name, allowed in (("InstanceChargeType", _CHARGE_TYPES), ("SpotStrategy", _SPOT)):
        if given.get(name, allowed[0]) not in allowed:
            raise CloudError(
                f"Invalid{name}.ValueNotSupported",
                f"{name} is {given[name]!r}; it must be one of {', '.join(allowed)}.",
            )
    wanted = given.get("InstanceType", "")
    types = [spec for spec in INSTANCE_TYPES.values() if wanted in ("", spec.name)]
    zones = [
        _zone(call.context, zone_id, types)
        for zone_id in _open_zones(call.context)
        if given.get("ZoneId", zone_id) == zone_id
    ]
    return {"AvailableZones": {"AvailableZone": zones if types else []}}


@API.action(
    "DescribeImages",
    *("ImageId", "Status"),
    notes="local_python; instances accept any other image id, too",
)
def describe_images(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeImages with the one image of this cloud: this machine's Python."""
    requested = call.parameters.get("ImageId", IMAGE_ID)
    view = {
        "ImageId": IMAGE_ID,
        "ImageName": IMAGE_ID,
        "ImageOwnerAlias": "system",
        "Architecture": "x86_64",
        "OSType": "linux",
        "Status": "Available",
        "IsSupportCloudinit": True,
    }
    found = [view] if IMAGE_ID in requested.split(",") else []
    return {"TotalCount": len(found), "Images": {"Image": found}}


@API.action(
    "DescribeAccountAttributes",
    *numbered_names("AttributeName", 8),
    notes="vCPU counts; the limit of 1,000 vCPUs of each kind is assumed",
)
def describe_account_attributes(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeAccountAttributes: the vCPU limits of the account and their use."""
    used = used_vcpus(call.context)
    values = {
        "max-postpaid-instance-vcpu-count": _MAX_VCPUS,
        "max-spot-instance-vcpu-count": _MAX_VCPUS,
        "used-postpaid-instance-vcpu-count": sum(used.values()),
        "used-spot-instance-vcpu-count": 0,
    }
    wanted = call.listed("AttributeName") or list(values)
    unknown = sorted(set(wanted) - values.keys())
    if unknown:
        raise not_supported(
            f"AttributeName={unknown[0]!r}", f"the supported names are {', '.join(values)}"
        )
    items = [
        {
            "AttributeName": name,
            "AttributeValues": {"ValueItem": [{"Value": str(values[name])}]},
        }
        for name in wanted
    ]
    return {"AccountAttributeItems": {"AccountAttributeItem": items}}


def _open_zones(context: Context) -> list[str]:
    return [
        zone_id
        for zone_id in context.platform.zone_ids
        if not Faults(context.store).hits("zone-closed", zone_id=zone_id)
    ]


def _zone(context: Context, zone_id: str, types: list[InstanceType]) -> dict[str, Any]:
    supported = [_stock(context, zone_id, spec.name) for spec in types]
    stocked = any(item["Status"] == "Available" for item in supported)
    return {
        "RegionId": context.platform.region_id,
        "ZoneId": zone_id,
        "Status": "Available" if stocked else "SoldOut",
        "StatusCategory": "WithStock" if stocked else "WithoutStock",
        "AvailableResources": {
            "AvailableResource": [
                {
                    "Type": "InstanceType",
                    "SupportedResources": {"SupportedResource": supported},
                }
            ]
        },
    }


def _stock(context: Context, zone_id: str, instance_type: str) -> dict[str, str]:
    sold_out = Faults(context.store).hits("sold-out", instance_type=instance_type, zone_id=zone_id)
    return {
        "Value": instance_type,
        "Status": "SoldOut" if sold_out else "Available",
        "StatusCategory": "WithoutStock" if sold_out else "WithStock",
    }


def used_vcpus(context: Context) -> dict[str, int]:
    """Return the vCPUs that the stack's ECS instances use, by instance type."""
    used: dict[str, int] = {}
    for document in context.store.table(INSTANCES).values():
        spec = INSTANCE_TYPES[document["inputs"]["instanceType"]]
        used[spec.name] = used.get(spec.name, 0) + spec.cpu
    return used
