"""Alternatives to an instance type that is sold out.

They have at least as many GPUs, vCPUs and memory. Types of the same family come first, because they
have the same GPU and need the same image; then smaller types. Names of GPU types begin with gn.
Types with other kinds of GPU are left out, because they need other images.
"""

from __future__ import annotations

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.subject import Demand
from providers.clients.errors import ClientError
from providers.clients.offers import EcsSpec

__all__ = ["similar_specs", "similar_types"]

# A zone offers hundreds of types, and one call returns the sizes of 10.
_CANDIDATES = 60
_GPU = "ecs.gn"
_CPU = ("ecs.g", "ecs.c")
_OTHER_GPU = ("ecs.gi", "ecs.vgn", "ecs.sgn")


def similar_types(demand: Demand, zone_id: str, cloud: Cloud) -> list[str]:
    """Return suitable instance types that a zone has in stock, the most similar first.

    Empty if none is suitable, or if the cloud does not answer.
    """
    name = demand.instance_type
    try:
        stocked = cloud.types_in_stock(zone_id, spot=demand.spot)
        names = tuple(item for item in stocked if _same_kind(item, name))[:_CANDIDATES]
        kinds = cloud.instance_kinds(tuple(sorted({*names, name})))
    except ClientError:
        return []
    wanted = kinds.get(name)
    if wanted is None:
        return []
    fitting = [
        kind
        for kind in kinds.values()
        if kind.name != name
        and kind.gpu >= wanted.gpu
        and kind.cpu >= wanted.cpu
        and kind.memory_gib >= wanted.memory_gib
    ]
    fitting.sort(
        key=lambda kind: (
            _family(kind.name) != _family(name),
            kind.gpu,
            kind.cpu,
            kind.memory_gib,
            kind.name,
        )
    )
    return [kind.name for kind in fitting]


def _family(name: str) -> str:
    """`ecs.gn7i-c8g1.2xlarge` and `ecs.g7.large` -> `ecs.gn7i` and `ecs.g7`."""
    return ".".join(name.split("-")[0].split(".")[:2])


def _same_kind(name: str, wanted: str) -> bool:
    if wanted.startswith(_GPU):
        return name.startswith(_GPU)
    return name.startswith(_CPU) and not name.startswith((_GPU, *_OTHER_GPU))


def similar_specs(spec: EcsSpec | None, cloud: Cloud, *, spot: bool) -> list[str]:
    """Return suitable ECS specifications that DLC has available, the most similar first."""
    if spec is None:
        return []
    try:
        found = cloud.ecs_specs()
    except ClientError:
        return []
    fitting = [
        item
        for item in found.values()
        if item.name != spec.name
        and (item.spot if spot else item.available)
        and (item.gpu > 0) == (spec.gpu > 0)
        and item.gpu >= spec.gpu
        and item.cpu >= spec.cpu
        and item.memory_gib >= spec.memory_gib
    ]
    fitting.sort(
        key=lambda item: (
            _family(item.name) != _family(spec.name),
            item.gpu,
            item.cpu,
            item.memory_gib,
            item.name,
        )
    )
    return [item.name for item in fitting]
