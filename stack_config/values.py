"""What a config value can be: the closed sets, and how raw text becomes a typed value.

Owns: one parser per type of field. Does not own: which key has which type (`stack_config.config`)
nor what two keys mean together (`stack_config.checks`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from components.elasticsearch import Protocol
from components.load_balancer import AddressType

__all__ = ["GN7I_REGIONS", "PARSERS", "AddressType", "EdgeKind", "Environment", "PlatformKind"]


# Regions with gn7i instances, for PAI DLC and ECS. Source: https://www.alibabacloud.com/help/en/ecs/user-guide/
# gpu-accelerated-compute-optimized-and-vgpu-accelerated-instance-families-1 and the buy page; read
# 2026-11-21,
# not asked of the cloud itself (preflight does that per zone).
GN7I_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-3",
        "ap-southeast-5",
        "cn-beijing",
        "cn-chengdu",
        "cn-guangzhou",
        "cn-hangzhou",
        "cn-heyuan",
        "cn-hongkong",
        "cn-nanjing",
        "cn-qingdao",
        "cn-shanghai",
        "cn-shenzhen",
        "cn-wulanchabu",
        "cn-zhangjiakou",
        "eu-central-1",
        "us-east-1",
        "us-west-1",
    }
)


class PlatformKind(StrEnum):
    """Where a stack lives."""

    LOCAL = "local"
    ALICLOUD = "alicloud"


class Environment(StrEnum):
    """What a stack is for. A rehearsal of `dev` is environment `dev` on platform `local`."""

    LOCAL = "local"
    DEV = "dev"
    PROD = "prod"
    PR = "pr"


class EdgeKind(StrEnum):
    """What stands before the chat application, nearer to who asks."""

    NONE = "none"
    CLOUDFLARE = "cloudflare"


def _text(raw: str) -> str:
    return raw


def _integer(raw: str) -> int:
    if not re.fullmatch(r"-?\d+", raw):
        raise ValueError("give a whole number")
    return int(raw)


def _boolean(raw: str) -> bool:
    if raw not in ("true", "false"):
        raise ValueError("give true or false")
    return raw == "true"


def _optional_number(raw: str) -> float | None:
    if not raw:
        return None
    try:
        value = float(raw)
    except ValueError as error:
        raise ValueError("give a number, or nothing") from error
    if value <= 0:
        raise ValueError("give a number over 0, or nothing")
    return value


def _texts(raw: str) -> tuple[str, ...]:
    value = json.loads(raw) if raw.startswith("[") else None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("give a list of texts")
    return tuple(value)


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(raw: str) -> StrEnum:
        if raw not in tuple(kind):
            raise ValueError(f"allowed are {', '.join(kind)}")
        return kind(raw)

    return parse


PARSERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "str": _text,
        "int": _integer,
        "bool": _boolean,
        "float | None": _optional_number,
        "tuple[str, ...]": _texts,
        "PlatformKind": _one_of(PlatformKind),
        "Environment": _one_of(Environment),
        "Protocol": _one_of(Protocol),
        "AddressType": _one_of(AddressType),
        "EdgeKind": _one_of(EdgeKind),
    }
)
