"""Alternatives to an instance type that is sold out.

They have at least as many GPUs, vCPUs and memory. Types of the same family come first, because they
have the same GPU and need the same image; then smaller types. Names of GPU types begin with gn.
Types with other kinds of GPU are left out, because they need other images.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.subject import Demand
from providers.clients.compute import InstanceKind, instance_kinds, instance_types_in_stock
from providers.clients.errors import ClientError
from providers.clients.offers import EcsSpec, ecs_specs

__all__ = ["similar_specs", "similar_types"]

# A zone offers hundreds of types, and one call returns the sizes of 10.
_CANDIDATES = 60
_GPU = "ecs.gn"
_CPU = ("ecs.g", "ecs.c")
_OTHER_GPU = ("ecs.gi", "ecs.vgn", "ecs.sgn")

T = TypeVar("T", InstanceKind, EcsSpec)


def similar_types(demand: Demand, zone_id: str, cloud: Cloud) -> list[str]:
    """Return suitable instance types that a zone has in stock, the most similar first.

    Empty if none is suitable, or if the cloud does not answer.
    """
    name = demand.instance_type
    try:
        stocked = cloud.ask(
            "ecs", instance_types_in_stock, cloud.region_id, zone_id, spot=demand.spot
        )
        names = [item for item in stocked if _same_kind(item, name)][:_CANDIDATES]
        kinds = cloud.ask("ecs", instance_kinds, sorted({*names, name}))
    except ClientError:
        return []
    return _fitting(kinds.get(name), kinds.values())


def similar_specs(spec: EcsSpec | None, cloud: Cloud, *, spot: bool) -> list[str]:
    """Return suitable ECS specifications that DLC has available, the most similar first."""
    try:
        found = cloud.ask("dlc", ecs_specs) if spec else {}
    except ClientError:
        return []
    return _fitting(
        spec,
        [
            item
            for item in found.values()
            if (item.spot if spot else item.available)
            and spec is not None
            and (item.gpu > 0) == (spec.gpu > 0)
        ],
    )


def _fitting(wanted: T | None, found: Iterable[T]) -> list[str]:
    """Return the names of those that are at least as large, the most similar first."""
    if wanted is None:
        return []
    fitting = [
        item
        for item in found
        if item.name != wanted.name
        and item.gpu >= wanted.gpu
        and item.cpu >= wanted.cpu
        and item.memory_gib >= wanted.memory_gib
    ]
    family = _family(wanted.name)
    fitting.sort(
        key=lambda item: (
            _family(item.name) != family,
            item.gpu,
            item.cpu,
            item.memory_gib,
            item.name,
        )
    )
    return [item.name for item in fitting]


def _family(name: str) -> str:
    """`ecs.gn7i-c8g1.2xlarge` and `ecs.g7.large` -> `ecs.gn7i` and `ecs.g7`."""
    return ".".join(name.split("-")[0].split(".")[:2])


def _same_kind(name: str, wanted: str) -> bool:
    if wanted.startswith(_GPU):
        return name.startswith(_GPU)
    return name.startswith(_CPU) and not name.startswith((_GPU, *_OTHER_GPU))
