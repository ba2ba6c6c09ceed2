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
from localcloud.core.rpc import MAX_LISTED, RpcAction, RpcCall, numbered_names
from localcloud.faults import Faults
from localcloud.vpc.resources import INSTANCES

VERSION: Final = "2014-05-26"
IMAGE_ID: Final = "local_python"
"""The value of `customrag:imageId` in a stack of the local cloud."""
# The vCPU limit of a new account. Assumed, because the cloud sets it per account.
_MAX_VCPUS: Final = 1000
_CHARGE_TYPES: Final = ("PostPaid", "PrePaid")
_SPOT: Final = ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")


class Catalogue:
    """The read-only ECS operations of one local stack, except those on instances."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._faults = Faults(context.store)

    def describe_regions(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeRegions with the one region of this stack."""
        region_id = self._context.platform.region_id
        region = {
            "RegionId": region_id,
            "LocalName": region_id,
            "RegionEndpoint": self._context.platform.endpoints["api"],
            "Status": "available",
        }
        return {"Regions": {"Region": [region]}}

    def describe_zones(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeZones with the zones that are not closed by a fault."""
        zones = [
            {
                "ZoneId": zone_id,
                "LocalName": zone_id,
                "ZoneType": "AvailabilityZone",
                "AvailableInstanceTypes": {"InstanceTypes": list(INSTANCE_TYPES)},
            }
            for zone_id in self._open_zones()
        ]
        return {"Zones": {"Zone": zones}}

    def describe_instance_types(self, call: RpcCall) -> dict[str, Any]:
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

    def describe_available_resource(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeAvailableResource for instance types."""
        given = call.parameters
        what = call.required("DestinationResource")
        if what != "InstanceType":
            raise not_supported(
                f"DestinationResource={what!r}", "the supported value is InstanceType"
            )
        for name, allowed in (("InstanceChargeType", _CHARGE_TYPES), ("SpotStrategy", _SPOT)):
            if given.get(name, allowed[0]) not in allowed:
                raise CloudError(
                    f"Invalid{name}.ValueNotSupported",
                    f"{name} is {given[name]!r}; it must be one of {', '.join(allowed)}.",
                )
        wanted = given.get("InstanceType", "")
        types = [spec for spec in INSTANCE_TYPES.values() if wanted in ("", spec.name)]
        zones = [
            self._zone(zone_id, types)
            for zone_id in self._open_zones()
            if given.get("ZoneId", zone_id) == zone_id
        ]
        return {"AvailableZones": {"AvailableZone": zones if types else []}}

    def describe_images(self, call: RpcCall) -> dict[str, Any]:
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

    def describe_account_attributes(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeAccountAttributes: the vCPU limits of the account and their use."""
        used = used_vcpus(self._context)
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

    def _open_zones(self) -> list[str]:
        return [
            zone_id
            for zone_id in self._context.platform.zone_ids
            if not self._faults.hits("zone-closed", zone_id=zone_id)
        ]

    def _zone(self, zone_id: str, types: list[InstanceType]) -> dict[str, Any]:
        supported = [self._stock(zone_id, spec.name) for spec in types]
        stocked = any(item["Status"] == "Available" for item in supported)
        return {
            "RegionId": self._context.platform.region_id,
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

    def _stock(self, zone_id: str, instance_type: str) -> dict[str, str]:
        sold_out = self._faults.hits("sold-out", instance_type=instance_type, zone_id=zone_id)
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


def catalogue_actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the operations of the catalogue."""
    api = Catalogue(context)
    names = frozenset(numbered_names("InstanceTypes", MAX_LISTED))
    attributes = frozenset(numbered_names("AttributeName", 8))
    stock = frozenset(
        {
            *("DestinationResource", "InstanceChargeType", "InstanceType", "IoOptimized"),
            *("NetworkCategory", "SpotStrategy", "ZoneId"),
        }
    )
    language = frozenset({"AcceptLanguage"})
    return tuple(
        RpcAction(name=name, version=VERSION, parameters=parameters, answer=answer)
        for name, parameters, answer in (
            ("DescribeRegions", language, api.describe_regions),
            ("DescribeZones", language, api.describe_zones),
            ("DescribeInstanceTypes", names, api.describe_instance_types),
            ("DescribeAvailableResource", stock, api.describe_available_resource),
            ("DescribeImages", frozenset({"ImageId", "Status"}), api.describe_images),
            ("DescribeAccountAttributes", attributes, api.describe_account_attributes),
        )
    )
