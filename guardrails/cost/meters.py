"""The items of the price table that each resource type uses: one small, pure function per type.

Owns: which inputs decide a bill. Does not own: prices (`prices.yaml`), sums
(`guardrails.cost.estimates`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix
from types import MappingProxyType
from typing import Any

from guardrails.cost.model import Period, Resource
from guardrails.cost.prices import PriceTable
from guardrails.placeholders import unknown

__all__ = ["METERS", "Gap", "Stack", "Use", "is_gpu"]

SCALING_GROUP = "alicloud:ess/scalingGroup:ScalingGroup"
LAUNCH_TEMPLATE = "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"
SCALING_CONFIGURATION = "alicloud:ess/scalingConfiguration:ScalingConfiguration"
_GPU = re.compile(r"ecs\.(gn|vgn|sgn|ebmgn)\d")
_DAYS_STORED_FREE = 30
# The cluster's price includes a Kibana node of this size.
_KIBANA_INCLUDED = "elasticsearch.n4.small"


@dataclass(frozen=True, kw_only=True)
class Use:
    """An amount of one item of the price table.

    Attributes:
        item: Item of the price table.
        amount: Number of units in use at any time; for a job, unit hours of the longest run.
        most: The amount at the largest size; `None` means the same as `amount`.
        what: The amount in words.
        period: When it is billed.
        discount: Item whose value is the share of the price that is paid, e.g. `spot/ecs`.
        share: Highest share of the price that the program pays; `None` for no limit.
        otherwise: Item to use if the table does not have `item`.
        idle: See `guardrails.cost.model.Line`.
        gpu: Whether it is a GPU machine.
    """

    item: str
    amount: float
    what: str
    most: float | None = None
    period: Period = Period.ALWAYS
    discount: str = ""
    share: float | None = None
    otherwise: str = ""
    idle: str = ""
    gpu: bool = False


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A resource that cannot be metered, and why."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What a meter may read besides its own resource."""

    resources: Sequence[Resource]
    prices: PriceTable

    def usage(self, name: str) -> float:
        """Return the assumed use with this name."""
        return self.prices.usage[name]


Meter = Callable[[Resource, Stack], Iterator[Use | Gap]]


def is_gpu(instance_type: str) -> bool:
    """Return whether an instance type has a GPU."""
    return _GPU.match(instance_type) is not None


def _by_use(item: str, amount: float, what: str) -> Use:
    return Use(item=item, amount=amount, what=what, period=Period.USE)


def _number(value: Any, default: float = 0) -> float:
    """Return a number that may arrive as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _instance(inputs: Mapping[str, Any], instance_type: str, what: str) -> Iterator[Use | Gap]:
    """Yield the use of one ECS instance with its disks, from an instance or a template."""
    spot = inputs.get("spotStrategy") in ("SpotAsPriceGo", "SpotWithPriceLimit")
    gpu = is_gpu(instance_type)
    charge = inputs.get("instanceChargeType", "PostPaid")
    if charge != "PostPaid":
        yield Gap(why=f"instanceChargeType is {charge!r}; the table has PostPaid prices only")
        return
    yield Use(
        item=f"ecs/{instance_type}",
        amount=1,
        what=f"{what}{instance_type}{', spot' if spot else ''}",
        discount="spot/ecs" if spot else "",
        idle="a GPU that costs the same without questions"
        if gpu
        else "costs the same without questions",
        gpu=gpu,
    )
    yield from _disks(inputs)


def _disks(inputs: Mapping[str, Any]) -> Iterator[Use]:
    nested = inputs.get("systemDisk")
    system = nested if isinstance(nested, Mapping) else {}
    disks: list[tuple[Any, Any, Any]] = [
        (
            inputs.get("systemDiskCategory") or system.get("category"),
            inputs.get("systemDiskSize") or system.get("size"),
            inputs.get("systemDiskPerformanceLevel") or system.get("performanceLevel"),
        )
    ]
    disks += [
        (disk.get("category"), disk.get("size"), disk.get("performanceLevel"))
        for disk in inputs.get("dataDisks") or ()
    ]
    for category, size, level in disks:
        gib = _number(size, 40)
        yield Use(
            item=_disk_item(str(category or "cloud_essd"), str(level or "PL1")),
            amount=gib,
            what=f"disk of {gib:.0f} GiB",
        )


def _disk_item(category: str, level: str) -> str:
    return f"disk/{category}/{level}" if category == "cloud_essd" else f"disk/{category}"


def _data_disk(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    """Yield the use of a disk that outlives its node."""
    inputs = resource.inputs
    if inputs.get("paymentType", "PayAsYouGo") != "PayAsYouGo":
        yield Gap(
            why=f"paymentType is {inputs['paymentType']!r}; the table has PayAsYouGo prices only"
        )
        return
    gib = _number(inputs.get("size"))
    yield Use(
        # The provider creates an ultra disk if no category is given.
        item=_disk_item(
            str(inputs.get("category") or "cloud_efficiency"),
            str(inputs.get("performanceLevel") or "PL1"),
        ),
        amount=gib,
        what=f"data disk of {gib:.0f} GiB",
    )


def _ecs_instance(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    instance_type = resource.inputs.get("instanceType")
    if not isinstance(instance_type, str):
        yield Gap(why=f"its instanceType is {instance_type!r}")
        return
    yield from _instance(resource.inputs, instance_type, "")
    if _number(resource.inputs.get("internetMaxBandwidthOut")) > 0:
        yield from _traffic(stack)


def _scaling_group(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    inputs = resource.inputs
    template = _template_of(resource, stack)
    if template is None:
        yield Gap(why="its launch template or scaling configuration was not found")
        return
    types = [template.inputs.get("instanceType"), *(template.inputs.get("instanceTypes") or ())]
    types += [item.get("instanceType") for item in inputs.get("launchTemplateOverrides") or ()]
    types = [text for text in types if isinstance(text, str)]
    if not types:
        yield Gap(why=f"its template {template.name} names no instance type")
        return
    least = max(_number(inputs.get("minSize")), _number(inputs.get("desiredCapacity")))
    most = max(least, _number(inputs.get("maxSize")))
    many = f"{least:.0f}" + (f" (to {most:.0f})" if most > least else "")
    for use in _instance(template.inputs, types[0], f"{many} × "):
        if isinstance(use, Gap):
            yield use
        else:
            what = use.what if "×" in use.what else f"{many} × {use.what}"
            yield replace(use, amount=use.amount * least, most=use.amount * most, what=what)


def _template_of(group: Resource, stack: Stack) -> Resource | None:
    """Return the template with the id that the group names, or the one with the closest name."""
    kinds = (LAUNCH_TEMPLATE, SCALING_CONFIGURATION)
    found = [item for item in stack.resources if item.type in kinds]
    for item in found:
        by_group = unknown(item.name, "") in str(group.inputs.get("launchTemplateId"))
        by_itself = unknown(group.name, "") in str(item.inputs.get("scalingGroupId"))
        if by_group or by_itself:
            return item

    def alike(item: Resource) -> int:
        return len(commonprefix([item.name, group.name]))  # noqa: RUF071  these are not paths

    return max(found, key=alike, default=None)


def _search_cluster(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    inputs = resource.inputs
    if inputs.get("paymentType", inputs.get("instanceChargeType")) not in (
        "PayAsYouGo",
        "PostPaid",
        None,
    ):
        yield Gap(
            why=f"paymentType is {inputs.get('paymentType')!r}; the table has PayAsYouGo prices "
            "only"
        )
        return
    groups = {
        "data": inputs.get("dataNodeConfiguration"),
        "master": inputs.get("masterConfiguration"),
        "coordinating": inputs.get("clientNodeConfiguration"),
        "warm": inputs.get("warmNodeConfiguration"),
        "kibana": inputs.get("kibanaConfiguration"),
    }
    if not groups["data"]:
        yield Gap(why="it has no dataNodeConfiguration")
    for role, nodes in groups.items():
        if not isinstance(nodes, Mapping):
            continue
        spec = str(nodes.get("spec"))
        if role == "kibana" and spec == _KIBANA_INCLUDED:
            continue
        # Without a number, the cloud creates three master nodes and one Kibana node.
        amount = _number(nodes.get("amount"), {"master": 3, "kibana": 1}.get(role, 1))
        yield Use(
            item=f"elasticsearch/{spec}",
            amount=amount,
            what=f"{amount:.0f} {role} × {spec}",
            idle="is billed all day and cannot be stopped" if role == "data" else "",
        )
        gib = _number(nodes.get("disk"), 20 if role == "master" else 0) * amount
        if gib:
            category = str(nodes.get("diskType") or "cloud_essd")
            yield Use(
                item=_disk_item(category, str(nodes.get("performanceLevel") or "PL1")),
                amount=gib,
                what=f"{role} disks of {gib:.0f} GiB",
            )


def _load_balancer(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    edition = str(resource.inputs.get("loadBalancerEdition", "Basic"))
    yield Use(
        item=f"alb/{edition}", amount=1, what=f"ALB, {edition}", idle="is billed without traffic"
    )
    lcu = stack.usage("lcu")
    yield _by_use("alb/lcu", lcu, f"{lcu:g} LCU")
    if resource.inputs.get("addressType") == "Internet":
        zones = max(len(resource.inputs.get("zoneMappings") or ()), 1)
        yield Use(item="eip/address", amount=zones, what=f"{zones} public addresses")
        yield from _traffic(stack)


def _nat_gateway(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    yield Use(item="nat/gateway", amount=1, what="NAT gateway", idle="is billed without traffic")
    units = stack.usage("nat_cu")
    yield _by_use("nat/cu", units, f"{units:g} CU")


def _eip(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    if resource.inputs.get("internetChargeType", "PayByTraffic") != "PayByTraffic":
        yield Gap(
            why=f"internetChargeType is {resource.inputs['internetChargeType']!r}; the table has "
            "PayByTraffic prices only"
        )
        return
    yield Use(item="eip/address", amount=1, what="public address", idle="is billed without traffic")
    yield from _traffic(stack)


def _traffic(stack: Stack) -> Iterator[Use | Gap]:
    gb = stack.usage("internet_gb_month")
    yield _by_use("eip/traffic", gb, f"{gb:g} GB to the internet")


def _bucket(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    inputs = resource.inputs
    storage_class = inputs.get("storageClass") or "Standard"
    if storage_class != "Standard":
        yield Gap(why=f"storageClass is {storage_class!r}; the table has Standard prices only")
        return
    gib = stack.usage("bucket_gib")
    redundancy = str(inputs.get("redundancyType") or "LRS").lower()
    yield _by_use(f"oss/standard-{redundancy}", gib, f"{gib:g} GiB kept")


def _replication(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    gb = stack.usage("replicated_gb_month")
    yield _by_use("oss/replication", gb, f"{gb:g} GB replicated")


def _log_store(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    gb = stack.usage("log_gb_month")
    yield _by_use("log/ingested", gb, f"{gb:g} GB of logs")
    days = _number(resource.inputs.get("retentionPeriod"), _DAYS_STORED_FREE)
    kept = gb * (days - _DAYS_STORED_FREE) / _DAYS_STORED_FREE
    if kept > 0:
        yield _by_use("log/storage", kept, f"logs kept {days:.0f} days")


def _kms_key(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    yield Use(item="kms/key", amount=1, what="KMS key")


def _kms_secret(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    yield Use(item="kms/secret", amount=1, what="KMS secret")


def _job(resource: Resource, stack: Stack) -> Iterator[Use | Gap]:
    """Yield the use of a DLC job that runs as long as it may."""
    hours = _number(resource.inputs.get("maxRunningTimeMinutes"), 240) / 60
    if resource.inputs.get("resourceId"):
        yield Gap(why="it runs on your own PAI quota, which has a separate bill")
        return
    specs = resource.inputs.get("jobSpecs")
    if not isinstance(specs, Sequence) or isinstance(specs, str) or not specs:
        yield Gap(why="its jobSpecs are not known yet")
        return
    for spec in specs:
        ecs_spec, pods = str(spec.get("ecsSpec")), _number(spec.get("podCount"), 1)
        spot = bool(spec.get("useSpotInstance"))
        limit = (spec.get("spotSpec") or {}).get("spotDiscountLimit")
        yield Use(
            item=f"dlc/{ecs_spec}",
            otherwise=f"ecs/{ecs_spec}",
            amount=pods * hours,
            what=f"{pods:.0f} × {ecs_spec}{', spot' if spot else ''}, ≤ {hours:g} h",
            period=Period.RUN,
            discount="spot/ecs" if spot else "",
            share=None if limit is None else _number(limit, 1),
            gpu=is_gpu(ecs_spec),
        )


METERS: Mapping[str, Meter] = MappingProxyType(
    {
        "alicloud:alb/loadBalancer:LoadBalancer": _load_balancer,
        "alicloud:ecs/ecsDisk:EcsDisk": _data_disk,
        "alicloud:ecs/eipAddress:EipAddress": _eip,
        "alicloud:ecs/instance:Instance": _ecs_instance,
        "alicloud:elasticsearch/instance:Instance": _search_cluster,
        SCALING_GROUP: _scaling_group,
        "alicloud:kms/key:Key": _kms_key,
        "alicloud:kms/secret:Secret": _kms_secret,
        "alicloud:log/store:Store": _log_store,
        "alicloud:oss/bucket:Bucket": _bucket,
        "alicloud:oss/bucketReplication:BucketReplication": _replication,
        "alicloud:vpc/natGateway:NatGateway": _nat_gateway,
        "customrag:pai:DlcJob": _job,
        "customrag:rag:IngestRun": _job,
    }
)
