"""ECS instances as the service manages them: whether they exist, and whether they run.

Owns calls to Ecs 2014-05-26 that no Pulumi resource makes. Source:
https://help.aliyun.com/zh/ecs/developer-reference/api-ecs-2014-05-26-describeinstances (read
2026-12-01).
"""

from __future__ import annotations

import json
from typing import Final

from .generic import GenericClient

__all__ = ["STOPPED", "EcsInstancesClient"]

STOPPED: Final = ("Stopping", "Stopped")
"""Statuses of an instance that stays away until it is started."""
_VERSION: Final = "2014-05-26"


class EcsInstancesClient:
    """The service of one region.

    Args:
        client: Calls its operations.
        region_id: The region.
    """

    def __init__(self, client: GenericClient, region_id: str) -> None:
        self._client = client
        self._region_id = region_id

    def status(self, instance_id: str) -> str | None:
        """Return an instance's status, such as `Running`; None if it does not exist."""
        parameters = {"RegionId": self._region_id, "InstanceIds": json.dumps([instance_id])}
        body = self._client.rpc("DescribeInstances", _VERSION, parameters)
        found = body.get("Instances", {}).get("Instance", [])
        return next((str(item["Status"]) for item in found), None)
