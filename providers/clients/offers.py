"""What PAI, Elasticsearch, KMS and the certificate service have to offer or hold. Reads only.

Owns the typed answers. APIs: pai-dlc 2020-12-03 ``ListEcsSpecs``, AIWorkSpace 2021-02-04
``ListProducts``, ``GetWorkspace``, elasticsearch 2017-06-13 ``GetRegionConfiguration``,
``ListInstance``, ``DescribeInstance``, Kms 2016-01-20 ``DescribeKey``, ``GetKmsInstance``, cas
2020-04-07 ``GetUserCertificateDetail`` (https://api.aliyun.com/document, read 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import NotFoundError
from .generic import GenericClient

__all__ = [
    "Certificate",
    "EcsSpec",
    "SearchInstance",
    "SearchOffer",
    "certificate",
    "ecs_specs",
    "key_state",
    "kms_instance_status",
    "pai_activated",
    "search_address",
    "search_instances",
    "search_offer",
    "workspace_status",
]

_DLC, _WORKSPACE, _SEARCH = "2020-12-03", "2021-02-04", "2017-06-13"
_KMS, _CAS = "2016-01-20", "2020-04-07"


@dataclass(frozen=True, kw_only=True)
class EcsSpec:
    """An ECS specification of PAI DLC.

    Attributes:
        name: Such as ``ecs.gn7i-c8g1.2xlarge``.
        cpu: vCPUs.
        memory_gib: Memory in GiB.
        gpu: GPUs.
        available: Whether DLC has any left.
        spot: Whether it has any left as spot.
    """

    name: str
    cpu: int
    memory_gib: float
    gpu: int
    available: bool
    spot: bool


@dataclass(frozen=True, kw_only=True)
class SearchOffer:
    """What Elasticsearch offers in a region.

    Attributes:
        versions: As the console writes them, such as ``8.17_with_X-Pack``.
        node_specs: Specifications of data nodes that are on sale.
        master_specs: Those of dedicated masters.
        zones: Zones that it can be in.
        smallest_disk_gib: Smallest disk of a data node, over all kinds of disk; 0: not told.
        largest_disk_gib: Largest disk of a data node; 0: not told.
    """

    versions: frozenset[str]
    node_specs: frozenset[str]
    master_specs: frozenset[str]
    zones: frozenset[str]
    smallest_disk_gib: int
    largest_disk_gib: int


@dataclass(frozen=True, kw_only=True)
class SearchInstance:
    """An Elasticsearch instance that is there.

    Attributes:
        instance_id: Its id.
        description: What the console shows as its name.
        version: Such as ``8.17_with_X-Pack``; may be a longer one, such as 8.17.4.
        status: ``active`` when it works.
    """

    instance_id: str
    description: str
    version: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate of the certificate service.

    Attributes:
        names: Domain names that it is for.
        ends_at: When it is over; None: the service does not tell.
    """

    names: tuple[str, ...]
    ends_at: datetime | None


def ecs_specs(dlc: GenericClient, names: Sequence[str] = ()) -> dict[str, EcsSpec]:
    """ECS specifications of DLC by name: those named, or all."""
    query: dict[str, Any] = {"PageSize": 100}
    if names:
        query["InstanceTypes"] = ",".join(names)
    body = dlc.roa("ListEcsSpecs", _DLC, "GET", "/api/v1/ecsspecs", query=query)
    return {
        str(item["InstanceType"]): EcsSpec(
            name=str(item["InstanceType"]),
            cpu=int(item.get("Cpu") or 0),
            memory_gib=float(item.get("Memory") or 0),
            gpu=int(item.get("Gpu") or 0),
            available=bool(item.get("IsAvailable")),
            spot="Spot" in (item.get("PaymentTypes") or ())
            and item.get("SpotStockStatus") in (None, "", "WithStock"),
        )
        for item in body.get("EcsSpecs") or ()
    }


def pai_activated(aiworkspace: GenericClient) -> bool:
    """Whether pay-as-you-go PAI is activated in the account and region."""
    body = aiworkspace.roa(
        "ListProducts",
        _WORKSPACE,
        "GET",
        "/api/v1/products",
        query={"ProductCodes": "PAI_share", "Verbose": "true"},
    )
    return any(
        item.get("ProductCode") == "PAI_share" and item.get("IsPurchased")
        for item in body.get("Products") or ()
    )


def workspace_status(aiworkspace: GenericClient, workspace_id: str) -> str | None:
    """Return a PAI workspace's status, ``ENABLED`` when it works; None if it does not exist."""
    try:
        body = aiworkspace.roa(
            "GetWorkspace", _WORKSPACE, "GET", f"/api/v1/workspaces/{workspace_id}"
        )
    except NotFoundError:
        return None
    return str(body.get("Status", ""))


def search_offer(search: GenericClient) -> SearchOffer:
    """Return what Elasticsearch offers in the region."""
    body = search.roa("GetRegionConfiguration", _SEARCH, "GET", "/openapi/region")
    found = body.get("Result") or {}
    versions = set(found.get("esVersions") or ())
    for item in found.get("esVersionsLatestList") or ():
        versions |= {str(item.get("key", "")), str(item.get("value", ""))}
    disks = found.get("dataDiskList") or ()
    return SearchOffer(
        versions=frozenset(versions - {""}),
        node_specs=frozenset(
            str(item["spec"]) for item in found.get("nodeSpecList") or () if item.get("enable")
        ),
        master_specs=frozenset(found.get("masterSpec") or ()),
        zones=frozenset(found.get("zones") or ()),
        smallest_disk_gib=min((int(item.get("minSize") or 0) for item in disks), default=0),
        largest_disk_gib=max((int(item.get("maxSize") or 0) for item in disks), default=0),
    )


def search_instances(search: GenericClient, /, **query: str) -> list[SearchInstance]:
    """Elasticsearch instances; ``query`` narrows them (``instanceId``, ``description``)."""
    body = search.roa(
        "ListInstance", _SEARCH, "GET", "/openapi/instances", query={"page": 1, "size": 50, **query}
    )
    return [
        SearchInstance(
            instance_id=str(item.get("instanceId", "")),
            description=str(item.get("description", "")),
            version=str(item.get("esVersion", "")),
            status=str(item.get("status", "")),
        )
        for item in body.get("Result") or ()
    ]


def search_address(search: GenericClient, instance_id: str) -> tuple[str, int] | None:
    """Return host and port of an instance inside its VPC; None if it has no address (yet)."""
    try:
        body = search.roa("DescribeInstance", _SEARCH, "GET", f"/openapi/instances/{instance_id}")
    except NotFoundError:
        return None
    found = body.get("Result") or {}
    host = str(found.get("domain") or "")
    return (host, int(found.get("port") or 9200)) if host else None


def key_state(kms: GenericClient, key_id: str) -> str | None:
    """Return the state of a KMS key, ``Enabled`` when usable; None if it does not exist."""
    try:
        body = kms.rpc("DescribeKey", _KMS, {"KeyId": key_id})
    except NotFoundError:
        return None
    return str((body.get("KeyMetadata") or {}).get("KeyState", ""))


def kms_instance_status(kms: GenericClient, instance_id: str) -> str | None:
    """Return a KMS instance's status, ``Connected`` when it works; None if it does not exist."""
    try:
        body = kms.rpc("GetKmsInstance", _KMS, {"KmsInstanceId": instance_id})
    except NotFoundError:
        return None
    return str((body.get("KmsInstance") or {}).get("Status", ""))


def certificate(cas: GenericClient, certificate_id: str) -> Certificate | None:
    """Return a certificate; None if it does not exist.

    Args:
        cas: The certificate service.
        certificate_id: Its number, as such or as load balancers write it: ``123-cn-hangzhou``.
    """
    number = certificate_id.partition("-")[0]
    try:
        body = cas.rpc("GetUserCertificateDetail", _CAS, {"CertId": number, "CertFilter": "true"})
    except NotFoundError:
        return None
    names = [str(body.get("Common") or ""), *str(body.get("Sans") or "").split(",")]
    return Certificate(
        names=tuple(dict.fromkeys(name.strip() for name in names if name.strip())),
        ends_at=_day(str(body.get("EndDate") or "")),
    )


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
