"""Stops and starts the GPU nodes of one stack.

Owns finding them, by the stack's tags, and which are stopped or started. Stopped in economical mode
(`StopCharging`) a pay-as-you-go instance in a VPC, a spot one too, keeps its disks and private
address. Its cores and GPU are not billed, and may be out of stock at the next start; the message
says so, and the next run tries again (https://help.aliyun.com/en/ecs/user-guide/economical-mode,
read 2026-11-21). API: Ecs 2014-05-26 DescribeInstances, StopInstances, StartInstances
(https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-stopinstances, read
2026-11-21).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ops.teardown.leaks import PROJECT
from providers.clients.generic import GenericClient

__all__ = ["Node", "gpu_nodes", "to_change", "turn"]

_VERSION = "2014-05-26"
_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Node:
    """A GPU node.

    Attributes:
        instance_id: The ECS instance.
        name: Its name.
        instance_type: Its type.
        status: `Running`, `Stopped`, or a status between them.
        grouped: Whether a scaling group created it, which would replace it if it stopped.
    """

    instance_id: str
    name: str
    instance_type: str
    status: str
    grouped: bool = False


def _node(entry: dict[str, Any]) -> Node:
    tags = {tag["TagKey"]: tag["TagValue"] for tag in (entry.get("Tags") or {}).get("Tag") or []}
    return Node(
        instance_id=str(entry["InstanceId"]),
        name=str(entry.get("InstanceName", "")),
        instance_type=str(entry.get("InstanceType", "")),
        status=str(entry.get("Status", "")),
        # The tag that Auto Scaling puts on its instances (system tags begin with acs:).
        grouped=any(key.startswith("acs:autoscaling") for key in tags),
    )


def gpu_nodes(client: GenericClient, region_id: str, stack: str) -> list[Node]:
    """Return the GPU nodes of a stack, by its tags.

    Raises:
        ClientError: ECS refused or did not answer.
    """
    found: list[dict[str, Any]] = []
    while True:
        answer = client.rpc(
            "DescribeInstances",
            _VERSION,
            {
                "RegionId": region_id,
                "PageSize": _PAGE,
                "PageNumber": len(found) // _PAGE + 1,
                "Tag.1.Key": "project",
                "Tag.1.Value": PROJECT,
                "Tag.2.Key": "stack",
                "Tag.2.Value": stack,
            },
        )
        page = (answer.get("Instances") or {}).get("Instance") or []
        found += page
        if len(page) < _PAGE:
            return [_node(entry) for entry in found if int(entry.get("GPUAmount") or 0) > 0]


def to_change(nodes: Sequence[Node], *, night: bool) -> list[Node]:
    """Return the nodes that are not yet in the right state; pure."""
    now = "Running" if night else "Stopped"
    return [node for node in nodes if node.status == now and not node.grouped]


def turn(client: GenericClient, region_id: str, node: Node, *, night: bool) -> None:
    """Stop a node, or start it.

    Each node is one call, because a node without stock must not keep the others from starting.

    Raises:
        ClientError: ECS refused; at a start most likely because there is no stock.
    """
    parameters = {"RegionId": region_id, "InstanceId.1": node.instance_id}
    if night:
        parameters["StoppedMode"] = "StopCharging"
    client.rpc("StopInstances" if night else "StartInstances", _VERSION, parameters)
