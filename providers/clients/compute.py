"""What ECS and VPC offer: regions, zones, instance types, stock, vCPUs, vSwitches. Reads only.

Owns the typed answers. APIs: Ecs 2014-05-26 and Vpc 2016-04-28
(https://api.aliyun.com/document/Ecs/2014-05-26, read 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .generic import GenericClient

__all__ = [
    "Image",
    "InstanceKind",
    "VCpus",
    "VSwitch",
    "available_zones",
    "image",
    "instance_kinds",
    "instance_types_in_stock",
    "regions",
    "running_instances",
    "vcpus",
    "vswitches",
    "zones",
]

_ECS, _VPC = "2014-05-26", "2016-04-28"
_PAGE: Final = 100
_TYPES_A_CALL: Final = 10  # DescribeInstanceTypes takes at most 10 names a call.


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image.

    Attributes:
        status: ``Available`` when instances can be made of it.
        cloud_init: Whether it takes user data; None: ECS does not tell.
    """

    status: str
    cloud_init: bool | None


@dataclass(frozen=True, kw_only=True)
class InstanceKind:
    """An instance type.

    Attributes:
        name: Such as ``ecs.g7.large``.
        cpu: vCPUs.
        memory_gib: Memory in GiB.
        gpu: GPUs.
    """

    name: str
    cpu: int
    memory_gib: float
    gpu: int


@dataclass(frozen=True, kw_only=True)
class VCpus:
    """Return the vCPUs of an account in a region; None where ECS does not tell.

    Attributes:
        maximum: What it may have at once.
        used: What it has.
    """

    maximum: int | None
    used: int


@dataclass(frozen=True, kw_only=True)
class VSwitch:
    """A vSwitch that is there.

    Attributes:
        vswitch_id: Its id.
        vpc_id: The VPC that it is in.
        zone_id: Its zone.
        free_addresses: Addresses that are left.
        cidr_block: Its network.
    """

    vswitch_id: str
    vpc_id: str
    zone_id: str
    free_addresses: int
    cidr_block: str = ""


def regions(ecs: GenericClient) -> list[str]:
    """Ids of the regions that the account can use."""
    body = ecs.rpc("DescribeRegions", _ECS)
    return [str(item["RegionId"]) for item in _items(body, "Regions", "Region")]


def zones(ecs: GenericClient, region_id: str) -> list[str]:
    """Ids of the region's zones that take new resources."""
    body = ecs.rpc("DescribeZones", _ECS, {"RegionId": region_id})
    return [str(item["ZoneId"]) for item in _items(body, "Zones", "Zone")]


def available_zones(
    ecs: GenericClient, region_id: str, instance_type: str, *, spot: bool
) -> list[str]:
    """Zones with stock of an instance type."""
    found = _stock(ecs, region_id, spot=spot, instance_type=instance_type)
    return sorted(zone_id for zone_id, types in found.items() if instance_type in types)


def instance_types_in_stock(
    ecs: GenericClient, region_id: str, zone_id: str, *, spot: bool
) -> list[str]:
    """Every instance type that a zone has in stock."""
    found = _stock(ecs, region_id, spot=spot, zone_id=zone_id)
    return sorted(found.get(zone_id, ()))


def _stock(
    ecs: GenericClient,
    region_id: str,
    *,
    spot: bool,
    instance_type: str = "",
    zone_id: str = "",
) -> dict[str, set[str]]:
    parameters = {
        "RegionId": region_id,
        "DestinationResource": "InstanceType",
        "InstanceChargeType": "PostPaid",
        "SpotStrategy": "SpotAsPriceGo" if spot else "NoSpot",
    }
    if instance_type:
        parameters["InstanceType"] = instance_type
    if zone_id:
        parameters["ZoneId"] = zone_id
    body = ecs.rpc("DescribeAvailableResource", _ECS, parameters)
    found: dict[str, set[str]] = {}
    for zone in _items(body, "AvailableZones", "AvailableZone"):
        for resource in _items(zone, "AvailableResources", "AvailableResource"):
            for item in _items(resource, "SupportedResources", "SupportedResource"):
                # ClosedWithStock can still be bought; it is about to run out.
                if item.get("Status") == "Available" and item.get("StatusCategory") != (
                    "WithoutStock"
                ):
                    found.setdefault(str(zone["ZoneId"]), set()).add(str(item["Value"]))
    return found


def instance_kinds(ecs: GenericClient, names: Sequence[str]) -> dict[str, InstanceKind]:
    """Sizes of instance types, by name; a name that does not exist is missing."""
    found = {}
    for start in range(0, len(names), _TYPES_A_CALL):
        chunk = names[start : start + _TYPES_A_CALL]
        parameters = {f"InstanceTypes.{n}": name for n, name in enumerate(chunk, start=1)}
        body = ecs.rpc("DescribeInstanceTypes", _ECS, parameters)
        for item in _items(body, "InstanceTypes", "InstanceType"):
            name = str(item["InstanceTypeId"])
            found[name] = InstanceKind(
                name=name,
                cpu=int(item.get("CpuCoreCount", 0)),
                memory_gib=float(item.get("MemorySize", 0)),
                gpu=int(item.get("GPUAmount", 0)),
            )
    return found


def image(ecs: GenericClient, region_id: str, image_id: str) -> Image | None:
    """Return an image of the region that the account can use; None if it does not exist."""
    parameters = {"RegionId": region_id, "ImageId": image_id, "Status": "Available,Creating"}
    body = ecs.rpc("DescribeImages", _ECS, parameters)
    for item in _items(body, "Images", "Image"):
        if item.get("ImageId") == image_id:
            told = item.get("IsSupportCloudinit")
            return Image(
                status=str(item.get("Status", "")),
                cloud_init=None if told is None else bool(told),
            )
    return None


def vcpus(ecs: GenericClient, region_id: str, *, spot: bool) -> VCpus:
    """Return the vCPUs that the account may have in a region, and has."""
    kind = "spot" if spot else "postpaid"
    names = [f"max-{kind}-instance-vcpu-count", f"used-{kind}-instance-vcpu-count"]
    parameters = {f"AttributeName.{n}": name for n, name in enumerate(names, start=1)}
    body = ecs.rpc("DescribeAccountAttributes", _ECS, {"RegionId": region_id, **parameters})
    values = {}
    for item in _items(body, "AccountAttributeItems", "AccountAttributeItem"):
        for value in _items(item, "AttributeValues", "ValueItem"):
            if str(value.get("Value", "")).isdigit():
                values[str(item["AttributeName"])] = int(value["Value"])
    return VCpus(maximum=values.get(names[0]), used=values.get(names[1], 0))


def running_instances(
    ecs: GenericClient, region_id: str, tags: Mapping[str, str]
) -> dict[str, int]:
    """Instance type to the number of instances that carry all these tags."""
    parameters: dict[str, Any] = {"RegionId": region_id, "PageSize": _PAGE}
    for number, (key, value) in enumerate(tags.items(), start=1):
        parameters[f"Tag.{number}.Key"] = key
        parameters[f"Tag.{number}.Value"] = value
    found: dict[str, int] = {}
    page, seen, total = 1, 0, 1
    while seen < total:
        body = ecs.rpc("DescribeInstances", _ECS, {**parameters, "PageNumber": page})
        items = _items(body, "Instances", "Instance")
        total = int(body.get("TotalCount", 0))
        if not items:
            break
        for item in items:
            name = str(item["InstanceType"])
            found[name] = found.get(name, 0) + 1
        page, seen = page + 1, seen + len(items)
    return found


def vswitches(vpc: GenericClient, region_id: str, vpc_id: str) -> dict[str, VSwitch]:
    """Return the vSwitches of a VPC, by id."""
    body = vpc.rpc(
        "DescribeVSwitches", _VPC, {"RegionId": region_id, "VpcId": vpc_id, "PageSize": 50}
    )
    return {
        str(item["VSwitchId"]): VSwitch(
            vswitch_id=str(item["VSwitchId"]),
            vpc_id=str(item.get("VpcId", "")),
            zone_id=str(item.get("ZoneId", "")),
            free_addresses=int(item.get("AvailableIpAddressCount", 0)),
            cidr_block=str(item.get("CidrBlock", "")),
        )
        for item in _items(body, "VSwitches", "VSwitch")
    }


def _items(body: Mapping[str, Any], outer: str, inner: str) -> list[dict[str, Any]]:
    """Return the list that RPC replies wrap twice."""
    found = (body.get(outer) or {}).get(inner) or []
    return [item for item in found if isinstance(item, dict)]
