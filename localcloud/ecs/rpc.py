"""ECS 2014-05-26 over RPC: describe, stop and start instances."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.resources import Context
from localcloud.core.rpc import MAX_LISTED, RpcAction, RpcCall, numbered_names
from localcloud.ecs.catalogue import VERSION, catalogue_actions
from localcloud.ecs.instances import Instances
from localcloud.ecs.workers import instances_of

_MAX_TAGS: Final = 20


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the RPC operations of ECS."""
    instances = instances_of(context)

    def describe_instances(call: RpcCall) -> dict[str, Any]:
        context.access.require(call.principal, "ecs:DescribeInstances", "acs:ecs:*:*:instance/*")
        found = [
            _describe(context, instance_id, document)
            for instance_id, document in instances.all()
            if _matches(instance_id, document, call)
        ]
        number, size = call.number("PageNumber", 1, 1, 100), call.number("PageSize", 10, 1, 100)
        return {
            "TotalCount": len(found),
            "PageNumber": number,
            "PageSize": size,
            "Instances": {"Instance": found[(number - 1) * size : number * size]},
        }

    tags = {f"Tag.{n}.{part}" for n in range(1, _MAX_TAGS + 1) for part in ("Key", "Value")}
    own = {"InstanceIds", "Status", "InstanceName", "PageNumber", "PageSize"}
    return (
        RpcAction(
            name="DescribeInstances",
            version=VERSION,
            parameters=frozenset(tags | own),
            answer=describe_instances,
        ),
        *_power_actions(context, instances),
        *catalogue_actions(context),
    )


def _power_actions(context: Context, instances: Instances) -> tuple[RpcAction, ...]:
    """Return StopInstances and StartInstances, which change all given instances or none."""

    def change(call: RpcCall, action: str, one: Callable[[str], str], status: str) -> Any:
        ids = call.listed("InstanceId")
        if not ids:
            raise CloudError("MissingParameter", "InstanceId.1 is mandatory.")
        for instance_id in ids:
            arn = f"acs:ecs:*:*:instance/{instance_id}"
            context.access.require(call.principal, f"ecs:{action}", arn)
            instances.require(instance_id)
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

    def stop(call: RpcCall) -> Any:
        mode = call.parameters.get("StoppedMode") or "KeepCharging"
        if mode not in ("StopCharging", "KeepCharging"):
            raise CloudError(
                "InvalidParameter.StoppedMode",
                f"StoppedMode is {mode!r}; use StopCharging or KeepCharging.",
            )
        return change(call, "StopInstances", lambda one: instances.stop(one, mode), "Stopping")

    def start(call: RpcCall) -> Any:
        return change(call, "StartInstances", instances.start_again, "Starting")

    ids = frozenset(numbered_names("InstanceId", MAX_LISTED))
    return (
        RpcAction(
            name="StopInstances",
            version=VERSION,
            parameters=ids | {"StoppedMode"},
            answer=stop,
        ),
        RpcAction(name="StartInstances", version=VERSION, parameters=ids, answer=start),
    )


def _matches(instance_id: str, document: dict[str, Any], call: RpcCall) -> bool:
    given, inputs = call.parameters, document["inputs"]
    if given.get("InstanceIds") and instance_id not in json.loads(given["InstanceIds"]):
        return False
    if given.get("Status") not in (None, "", document["status"]):
        return False
    if given.get("InstanceName") not in (None, "", inputs.get("instanceName")):
        return False
    tags = inputs.get("tags") or {}
    for number in range(1, _MAX_TAGS + 1):
        key = given.get(f"Tag.{number}.Key")
        value = given.get(f"Tag.{number}.Value")
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
