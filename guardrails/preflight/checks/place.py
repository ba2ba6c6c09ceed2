"""Region and zones: stock and quota of instance types, DLC specifications, PAI."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.preflight.alternatives import similar_specs, similar_types
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, passed, warned
from guardrails.preflight.subject import Demand, Subject
from providers.clients.account import Quota
from providers.clients.errors import ClientError

__all__ = ["CHECKS"]

_SHOWN = 4
_QUOTA_PAGE = "https://quotas.console.aliyun.com"


def _region(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    region_id, found = subject.config.region_id, cloud.regions()
    if region_id in found:
        yield passed(region_id)
    else:
        yield failed(
            f"the account cannot use {region_id}",
            f"set customrag:regionId to one of {', '.join(sorted(found))}",
        )


def _zones(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    found = cloud.zones()
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
    found = cloud.vswitches(config.existing.vpc_id)
    pairs = list(zip(config.existing.vswitch_ids, config.zone_ids, strict=False))
    for vswitch_id, zone_id in pairs:
        vswitch = found.get(vswitch_id)
        if vswitch is None:
            yield failed(
                f"is not in {config.existing.vpc_id}",
                f"name one of {', '.join(sorted(found)) or 'another VPC, as this one is empty'} in "
                "customrag:existingVswitchIds",
                about=vswitch_id,
            )
        elif vswitch.zone_id != zone_id:
            yield failed(
                f"is in {vswitch.zone_id}, not in {zone_id}",
                "give customrag:existingVswitchIds in the order of customrag:zoneIds",
                about=vswitch_id,
            )
        else:
            yield passed(
                f"in {zone_id}, with {vswitch.free_addresses} free addresses", about=vswitch_id
            )


def _image(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    wanted = subject.config.image_id
    found = cloud.image(wanted)
    if found is None or found.status != "Available":
        yield failed(
            f"is {found.status}" if found else "is not an image of this region and account",
            "list the images: aliyun ecs DescribeImages --RegionId "
            f"{subject.config.region_id} --OSType linux, and set customrag:imageId",
            about=wanted,
        )
    elif found.cloud_init is False:
        yield failed(
            "does not accept user data, which sets up the nodes",
            "set customrag:imageId to an image with cloud-init",
            about=wanted,
        )
    else:
        yield passed("is available", about=wanted)


def _stock(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    running = cloud.running(subject.tags)
    for demand in subject.demands:
        about = f"{demand.instance_type} ({demand.what}{', spot' if demand.spot else ''})"
        there = running.get(demand.instance_type, 0)
        if there >= demand.most:
            yield passed("already running", about=about)
            continue
        zones = cloud.zones_with(demand.instance_type, spot=demand.spot)
        stocked = [zone_id for zone_id in demand.zone_ids if zone_id in zones]
        without = [zone_id for zone_id in demand.zone_ids if zone_id not in zones]
        if not without:
            yield passed(f"in stock in {', '.join(stocked)}", about=about)
        elif demand.any_zone and stocked:
            yield warned(
                f"sold out in {', '.join(without)}; in stock in {', '.join(stocked)}",
                "continue: instances start where there is stock, but not in all zones",
                about=about,
            )
        elif there >= demand.count:
            yield warned(
                f"sold out in {', '.join(without)}; {there} running suffice, but no more can start",
                _instead(demand, zones, without[0], cloud),
                about=about,
            )
        else:
            yield failed(
                f"sold out in {', '.join(without)}",
                _instead(demand, zones, without[0], cloud),
                about=about,
            )


def _instead(demand: Demand, zones: list[str], zone_id: str, cloud: Cloud) -> str:
    ways = []
    wanted = 1 if demand.any_zone else len(demand.zone_ids)
    if len(zones) >= wanted:
        have = f"{', '.join(zones[:wanted])}, which {'has' if wanted == 1 else 'have'} stock"
        ways.append(f"set customrag:zoneIds to begin with {have}")
    fewer = next((n for n, zone in enumerate(demand.zone_ids) if zone not in zones), 0)
    if fewer and not demand.any_zone:
        ways.append(f"set customrag:embeddingNodes to {fewer}")
    others = similar_types(demand, zone_id, cloud)
    if others:
        ways.append(f"set customrag:{demand.key} to {' or '.join(others[:_SHOWN])}")
    if demand.spot:
        ways.append("set customrag:embeddingSpot to false")
    ways.append("see docs/how-to/gpu-out-of-stock.md")
    return "; or ".join(ways)


def _quota(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    running = cloud.running(subject.tags)
    wanted: dict[str, int] = {}
    for demand in subject.demands:
        count = wanted.get(demand.instance_type, 0) + demand.most
        wanted[demand.instance_type] = count
    kinds = cloud.instance_kinds(tuple(sorted(wanted)))
    for name, count in wanted.items():
        kind = kinds.get(name)
        more = max(0, count - running.get(name, 0))
        if kind is None:
            yield failed(
                "is not an instance type of ECS", "correct it in the stack's file", about=name
            )
        elif more == 0:
            yield passed("already running", about=name)
        else:
            quota = cloud.quota("ecs-spec", name, {"regionId": subject.config.region_id})
            yield _room(quota, name, more, more * kind.cpu)
    yield from _vcpus(subject, cloud)


def _room(quota: Quota | None, name: str, instances: int, cpus: int) -> Finding:
    if quota is None:
        return warned(
            "Quota Center does not list it", f"look at {_QUOTA_PAGE}, product ECS", about=name
        )
    # Quota Center counts vCPUs or instances, and says which.
    by_cpu = "cpu" in quota.unit.lower() or "核" in quota.unit
    wanted = cpus if by_cpu else instances
    unit = "vCPU" if by_cpu else "instances"
    left = quota.total - quota.used
    told = f"needs {wanted} {unit}, {left:g} of {quota.total:g} left"
    if wanted <= left:
        return passed(told, about=name)
    return failed(
        told,
        f"apply for {quota.used + wanted:g} or more at {_QUOTA_PAGE} (ECS quotas by instance type)"
        + ("" if quota.adjustable else "; it is not adjustable, so ask Alibaba Cloud's support"),
        about=name,
    )


def _vcpus(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    running = cloud.running(subject.tags)
    for spot in (False, True):
        demands = [demand for demand in subject.demands if demand.spot is spot]
        kinds = cloud.instance_kinds(tuple(sorted({item.instance_type for item in demands})))
        wanted = sum(
            kinds[item.instance_type].cpu * max(0, item.most - running.get(item.instance_type, 0))
            for item in demands
            if item.instance_type in kinds
        )
        if not wanted:
            continue
        about = "vCPU, spot" if spot else "vCPU"
        found = cloud.vcpus(spot=spot)
        if found.maximum is None:
            yield warned(
                f"needs {wanted}; ECS does not report the limit",
                f"look at {_QUOTA_PAGE}",
                about=about,
            )
            continue
        told = f"needs {wanted}, {found.maximum - found.used} of {found.maximum} left"
        if wanted <= found.maximum - found.used:
            yield passed(told, about=about)
        else:
            yield failed(told, f"apply for more at {_QUOTA_PAGE}", about=about)


def _dlc_specs(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    wanted = {
        "trainingEcsSpec": (config.training.ecs_spec, config.training.spot),
        "ingestEcsSpec": (config.ingest.ecs_spec, False),
    }
    found = cloud.ecs_specs(*sorted({spec for spec, _ in wanted.values()}))
    for key, (name, as_spot) in wanted.items():
        spec = found.get(name)
        about = f"{name} ({key.removesuffix('EcsSpec')}{', spot' if as_spot else ''})"
        if spec is not None and (spec.spot if as_spot else spec.available):
            yield passed("available", about=about)
            continue
        others = similar_specs(spec, cloud, spot=as_spot)
        way = (
            f"set customrag:{key} to {' or '.join(others[:_SHOWN])}"
            if others
            else "wait, or train in another region"
        )
        if as_spot and spec is not None and spec.available:
            yield warned(
                "DLC has no spot capacity left; the job would wait for it",
                f"{way}; or set customrag:trainingSpot to false",
                about=about,
            )
        else:
            yield failed(
                "DLC has no capacity left"
                if spec
                else "is not a specification of DLC in this region",
                f"{way}; see docs/how-to/gpu-out-of-stock.md",
                about=about,
            )


def _pai(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    if not cloud.pai_activated():
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
        status = cloud.workspace_status(workspace_id)
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
    Check(name="region", needs=Needs.CREDENTIALS, run=_region),
    Check(name="zones", needs=Needs.CREDENTIALS, run=_zones),
    Check(
        name="vswitch",
        needs=Needs.CREDENTIALS,
        run=_network,
        concerns=lambda subject: bool(subject.config.existing.vpc_id),
    ),
    Check(name="image", needs=Needs.CREDENTIALS, run=_image),
    Check(name="stock", needs=Needs.CREDENTIALS, run=_stock),
    Check(name="quota", needs=Needs.CREDENTIALS, run=_quota),
    Check(name="dlc-spec", needs=Needs.CREDENTIALS, run=_dlc_specs),
    Check(name="pai", needs=Needs.CREDENTIALS, run=_pai),
)
