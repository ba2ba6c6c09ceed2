"""ECS 2014-05-26 over RPC: describe, stop and start instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.resources import Context
from localcloud.core.rpc import MAX_LISTED, RpcCall, numbered_names
from localcloud.ecs.disk_rpc import API, listed_ids
from localcloud.ecs.workers import instances_of

_TAGS: Final = numbered_names("Tag", 20)
_IDS: Final = numbered_names("InstanceId", MAX_LISTED)


@API.action(
    "DescribeInstances",
    *(f"{name}.{part}" for name in _TAGS for part in ("Key", "Value")),
    *("InstanceIds", "PageNumber", "PageSize"),
    notes="filters: InstanceIds, tags; only the alicloud plugin creates instances",
)
def describe_instances(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeInstances."""
    call.authorise("ecs:DescribeInstances", "acs:ecs:*:*:instance/*")
    ids = listed_ids(call, "InstanceIds")
    found = [
        _describe(call.context, instance_id, document)
        for instance_id, document in instances_of(call.context).all()
        if _matches(document, call) and (not ids or instance_id in ids)
    ]
    fields, page = call.page(found, 100)
    return {**fields, "Instances": {"Instance": page}}


@API.action(
    "StopInstances",
    *(*_IDS, "StoppedMode"),
    notes="InstanceId.N and StoppedMode; all instances or none",
)
def stop_instances(call: RpcCall) -> dict[str, Any]:
    """Answer StopInstances."""
    mode = call.parameters.get("StoppedMode") or "KeepCharging"
    if mode not in ("StopCharging", "KeepCharging"):
        raise CloudError(
            "InvalidParameter.StoppedMode",
            f"StoppedMode is {mode!r}; use StopCharging or KeepCharging.",
        )
    instances = instances_of(call.context)
    return _change(call, "StopInstances", lambda one: instances.stop(one, mode), "Stopping")


@API.action("StartInstances", *_IDS, notes="InstanceId.N; all instances or none")
def start_instances(call: RpcCall) -> dict[str, Any]:
    """Answer StartInstances."""
    start = instances_of(call.context).start_again
    return _change(call, "StartInstances", start, "Starting")


def _change(call: RpcCall, action: str, one: Callable[[str], str], status: str) -> dict[str, Any]:
    """Change all given instances or none."""
    ids = call.listed("InstanceId")
    if not ids:
        raise CloudError("MissingParameter", "InstanceId.1 is mandatory.")
    for instance_id in ids:
        call.authorise(f"ecs:{action}", f"acs:ecs:*:*:instance/{instance_id}")
        instances_of(call.context).require(instance_id)
    return {
        "InstanceResponses": {
            "InstanceResponse": [
                {
                    "InstanceId": instance_id,
                    "Code": "200",
                    "Message": "success",
                    "PreviousStatus": one(instance_id),
                    "CurrentStatus": status,
                }
                for instance_id in ids
            ]
        }
    }


def _matches(document: dict[str, Any], call: RpcCall) -> bool:
    tags = document["inputs"].get("tags") or {}
    for name in _TAGS:
        key, value = call.parameters.get(f"{name}.Key"), call.parameters.get(f"{name}.Value")
        if key and (key not in tags or value not in (None, "", tags[key])):
            return False
    return True


def _describe(context: Context, instance_id: str, document: dict[str, Any]) -> dict[str, Any]:
    inputs = document["inputs"]
    kind = INSTANCE_TYPES[inputs["instanceType"]]
    return {
        "InstanceId": instance_id,
        "InstanceName": inputs.get("instanceName", instance_id),
        "Description": inputs.get("description", ""),
        "Status": document["status"],
        "RegionId": context.platform.region_id,
        "ZoneId": inputs.get("availabilityZone", ""),
        "InstanceType": kind.name,
        "ImageId": inputs["imageId"],
        "Cpu": kind.cpu,
        "Memory": kind.memory_gib * 1024,
        "GPUAmount": kind.gpu,
        "GPUSpec": kind.gpu_type,
        "OSType": "linux",
        "CreationTime": document["created_at"],
        "StartTime": document["started_at"],
        "InstanceChargeType": "PostPaid",
        "StoppedMode": document.get("stopped_mode", "Not-applicable"),
        "DeletionProtection": bool(inputs.get("deletionProtection")),
        "PublicIpAddress": {"IpAddress": []},
        "VpcAttributes": {
            "VSwitchId": inputs.get("vswitchId", ""),
            "PrivateIpAddress": {"IpAddress": [document["address"]]},
        },
        "SecurityGroupIds": {"SecurityGroupId": list(inputs.get("securityGroups") or ())},
        "Tags": {
            "Tag": [
                {"TagKey": key, "TagValue": value}
                for key, value in sorted((inputs.get("tags") or {}).items())
            ]
        },
    }
