"""Region and zones: stock and quota of instance types, DLC specifications, PAI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guardrails.preflight.alternatives import similar_specs, similar_types
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, failed, named, passed, warned
from guardrails.preflight.subject import Demand, Subject
from providers.clients import compute, offers
from providers.clients.account import Quota, product_quota
from providers.clients.errors import ClientError

__all__ = ["CHECKS"]

_SHOWN = 4
_QUOTA_PAGE = "https://quotas.console.aliyun.com"


def _region(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    region_id, found = subject.config.region_id, cloud.ask("ecs", compute.regions)
    if region_id in found:
        yield passed(region_id)
    else:
        yield failed(
            f"the account cannot use {region_id}",
            f"set customrag:regionId to one of {', '.join(sorted(found))}",
        )


def _zones(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    found = cloud.ask("ecs", compute.zones, cloud.region_id)
    missing = [zone_id for zone_id in subject.config.zone_ids if zone_id not in found]
    if missing:
        yield failed(
            f"{', '.join(missing)} is closed to this account",
            f"set customrag:zoneIds to some of {', '.join(sorted(found))}",
        )
    else:
        yield passed(", ".join(subject.config.zone_ids))


def _network(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    found = cloud.ask("vpc", compute.vswitches, cloud.region_id, config.existing.vpc_id)
    pairs = list(zip(config.existing.vswitch_ids, config.zone_ids, strict=False))
    for vswitch_id, zone_id in pairs:
        yield named(vswitch_id, _vswitch(found, vswitch_id, zone_id, config.existing.vpc_id))


def _vswitch(
    found: Mapping[str, compute.VSwitch], vswitch_id: str, zone_id: str, vpc_id: str
) -> Finding:
    vswitch = found.get(vswitch_id)
    if vswitch is None:
        return failed(
            f"is not in {vpc_id}",
            f"name one of {', '.join(sorted(found)) or 'another VPC, as this one is empty'} in "
            "customrag:existingVswitchIds",
        )
    if vswitch.zone_id != zone_id:
        return failed(
            f"is in {vswitch.zone_id}, not in {zone_id}",
            "give customrag:existingVswitchIds in the order of customrag:zoneIds",
        )
    return passed(f"in {zone_id}, with {vswitch.free_addresses} free addresses")


def _image(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    wanted = subject.config.image_id
    found = cloud.ask("ecs", compute.image, cloud.region_id, wanted)
    if found is None or found.status != "Available":
        finding = failed(
            f"is {found.status}" if found else "is not an image of this region and account",
            f"list the images: aliyun ecs DescribeImages --RegionId {cloud.region_id} "
            "--OSType linux, and set customrag:imageId",
        )
    elif found.cloud_init is False:
        finding = failed(
            "does not accept user data, which sets up the nodes",
            "set customrag:imageId to an image with cloud-init",
        )
    else:
        finding = passed("is available")
    yield named(wanted, finding)


def _stock(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    running = _running(subject, cloud)
    for demand in subject.demands:
        about = f"{demand.instance_type} ({demand.what}{', spot' if demand.spot else ''})"
        yield named(about, _stocked(demand, running.get(demand.instance_type, 0), cloud))


def _running(subject: Subject, cloud: Cloud) -> dict[str, int]:
    """Return the number of the stack's instances by instance type."""
    return cloud.ask("ecs", compute.running_instances, cloud.region_id, subject.tags)


def _stocked(demand: Demand, there: int, cloud: Cloud) -> Finding:
    if there >= demand.most:
        return passed("already running")
    zones = cloud.ask(
        "ecs", compute.available_zones, cloud.region_id, demand.instance_type, spot=demand.spot
    )
    stocked = [zone_id for zone_id in demand.zone_ids if zone_id in zones]
    without = [zone_id for zone_id in demand.zone_ids if zone_id not in zones]
    if not without:
        return passed(f"in stock in {', '.join(stocked)}")
    sold_out = f"sold out in {', '.join(without)}"
    if demand.any_zone and stocked:
        return warned(
            f"{sold_out}; in stock in {', '.join(stocked)}",
            "continue: instances start where there is stock, but not in all zones",
        )
    instead = _instead(demand, zones, without[0], cloud)
    if there >= demand.count:
        return warned(f"{sold_out}; {there} running suffice, but no more can start", instead)
    return failed(sold_out, instead)


def _instead(demand: Demand, zones: list[str], zone_id: str, cloud: Cloud) -> str:
    ways = []
    wanted = 1 if demand.any_zone else len(demand.zone_ids)
    if len(zones) >= wanted:
        have = f"{', '.join(zones[:wanted])}, which {'has' if wanted == 1 else 'have'} stock"
        ways.append(f"set customrag:zoneIds to begin with {have}")
    fewer = next((n for n, zone in enumerate(demand.zone_ids) if zone not in zones), 0)
    if fewer and demand.count_key:
        ways.append(f"set customrag:{demand.count_key} to {fewer}")
    others = similar_types(demand, zone_id, cloud)
    if others:
        ways.append(f"set customrag:{demand.key} to {' or '.join(others[:_SHOWN])}")
    if demand.spot:
        ways.append("set customrag:embeddingSpot to false")
    ways.append("see docs/how-to/gpu-out-of-stock.md")
    return "; or ".join(ways)


def _quota(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    running = _running(subject, cloud)
    wanted: dict[str, int] = {}
    for demand in subject.demands:
        count = wanted.get(demand.instance_type, 0) + demand.most
        wanted[demand.instance_type] = count
    kinds = cloud.ask("ecs", compute.instance_kinds, sorted(wanted))
    for name, count in wanted.items():
        kind = kinds.get(name)
        more = max(0, count - running.get(name, 0))
        if kind is None:
            finding = failed("is not an instance type of ECS", "correct it in the stack's file")
        elif more == 0:
            finding = passed("already running")
        else:
            of_region = {"regionId": cloud.region_id}
            quota = cloud.ask("quotas", product_quota, "ecs-spec", name, of_region)
            finding = _room(quota, more, more * kind.cpu)
        yield named(name, finding)
    yield from _vcpus(subject, cloud)


def _room(quota: Quota | None, instances: int, cpus: int) -> Finding:
    if quota is None:
        return warned("Quota Center does not list it", f"look at {_QUOTA_PAGE}, product ECS")
    # Quota Center counts vCPUs or instances, and says which.
    by_cpu = "cpu" in quota.unit.lower() or "核" in quota.unit
    wanted = cpus if by_cpu else instances
    unit = "vCPU" if by_cpu else "instances"
    left = quota.total - quota.used
    told = f"needs {wanted} {unit}, {left:g} of {quota.total:g} left"
    if wanted <= left:
        return passed(told)
    return failed(
        told,
        f"apply for {quota.used + wanted:g} or more at {_QUOTA_PAGE} (ECS quotas by instance type)"
        + ("" if quota.adjustable else "; it is not adjustable, so ask Alibaba Cloud's support"),
    )


def _vcpus(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    running = _running(subject, cloud)
    for spot in (False, True):
        demands = [demand for demand in subject.demands if demand.spot is spot]
        names = sorted({item.instance_type for item in demands})
        kinds = cloud.ask("ecs", compute.instance_kinds, names)
        wanted = sum(
            kinds[item.instance_type].cpu * max(0, item.most - running.get(item.instance_type, 0))
            for item in demands
            if item.instance_type in kinds
        )
        if not wanted:
            continue
        found = cloud.ask("ecs", compute.vcpus, cloud.region_id, spot=spot)
        yield named("vCPU, spot" if spot else "vCPU", _vcpus_left(wanted, found))


def _vcpus_left(wanted: int, found: compute.VCpus) -> Finding:
    if found.maximum is None:
        return warned(f"needs {wanted}; ECS does not report the limit", f"look at {_QUOTA_PAGE}")
    told = f"needs {wanted}, {found.maximum - found.used} of {found.maximum} left"
    if wanted <= found.maximum - found.used:
        return passed(told)
    return failed(told, f"apply for more at {_QUOTA_PAGE}")


def _dlc_specs(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    wanted = {
        "trainingEcsSpec": (config.training.ecs_spec, config.training.spot),
        "ingestEcsSpec": (config.ingest.ecs_spec, False),
    }
    found = cloud.ask("dlc", offers.ecs_specs, sorted({spec for spec, _ in wanted.values()}))
    for key, (name, as_spot) in wanted.items():
        about = f"{name} ({key.removesuffix('EcsSpec')}{', spot' if as_spot else ''})"
        yield named(about, _dlc_spec(key, found.get(name), as_spot, cloud))


def _dlc_spec(key: str, spec: offers.EcsSpec | None, as_spot: bool, cloud: Cloud) -> Finding:
    if spec is not None and (spec.spot if as_spot else spec.available):
        return passed("available")
    others = similar_specs(spec, cloud, spot=as_spot)
    way = "wait, or train in another region"
    if others:
        way = f"set customrag:{key} to {' or '.join(others[:_SHOWN])}"
    if as_spot and spec is not None and spec.available:
        return warned(
            "DLC has no spot capacity left; the job would wait for it",
            f"{way}; or set customrag:trainingSpot to false",
        )
    return failed(
        "DLC has no capacity left" if spec else "is not a specification of DLC in this region",
        f"{way}; see docs/how-to/gpu-out-of-stock.md",
    )


def _pai(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    if not cloud.ask("aiworkspace", offers.pai_activated):
        yield failed(
            f"PAI is not activated in {subject.config.region_id}",
            "activate it at https://pai.console.aliyun.com, free of charge",
        )
        return
    workspace_id = subject.config.existing.pai_workspace_id
    if not workspace_id:
        yield passed("PAI is activated")
        return
    try:
        status = cloud.ask("aiworkspace", offers.workspace_status, workspace_id)
    except ClientError as error:
        yield failed(f"workspace {workspace_id}: {error.message}", "allow the role to read it")
        return
    if status == "ENABLED":
        yield passed(f"PAI is activated; workspace {workspace_id} is enabled")
    else:
        yield failed(
            f"workspace {workspace_id} is {status or 'missing'}",
            "set customrag:existingPaiWorkspaceId to another, or leave it empty to create one",
        )


CHECKS: tuple[Check, ...] = (
    Check(name="region", run=_region),
    Check(name="zones", run=_zones),
    Check(
        name="vswitch",
        run=_network,
        concerns=lambda subject: bool(subject.config.existing.vpc_id),
    ),
    Check(name="image", run=_image),
    Check(name="stock", run=_stock),
    Check(name="quota", run=_quota),
    Check(name="dlc-spec", run=_dlc_specs),
    Check(name="pai", run=_pai),
)
