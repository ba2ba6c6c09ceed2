"""Small resources for the tests of cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REGION = "cn-hangzhou"
INSTANCE = "alicloud:ecs/instance:Instance"
GPU = "ecs.gn7i-c8g1.2xlarge"


@dataclass(frozen=True)
class Item:
    """A declared resource."""

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    existing: str = ""
    retain: bool = False


def node(name: str = "node", instance_type: str = GPU, **inputs: Any) -> Item:
    """Return an ECS instance with a disk of 40 GiB."""
    return Item(
        INSTANCE,
        name,
        {
            "instanceType": instance_type,
            "systemDiskCategory": "cloud_essd",
            "systemDiskSize": 40,
            **inputs,
        },
    )
