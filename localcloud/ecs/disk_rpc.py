"""ECS 2014-05-26 over RPC: create, describe, change, attach, detach and delete data disks.

Source: https://api.aliyun.com/document/Ecs/2014-05-26/CreateDisk, .../DescribeDisks,
.../AttachDisk, .../DetachDisk, .../ModifyDiskAttribute, .../ResizeDisk, .../TagResources
(read 2026-11-30).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Properties
from localcloud.core.rpc import MAX_LISTED, RpcCall, numbered_names
from localcloud.ecs.catalogue import API
from localcloud.ecs.disk_resources import attach_disk, describe, detach_disk
from localcloud.ecs.disks import change_disk, create_disk, delete_disk, disks, require_disk

__all__ = ["API", "listed_ids"]

_MAX_SIZE_GIB: Final = 65536
_TAGS: Final = tuple(
    f"{name}.{part}" for name in numbered_names("Tag", 20) for part in ("Key", "Value")
)
# Parameter to property.
_NAMES: Final = {
    "ZoneId": "zoneId",
    "DiskCategory": "category",
    "PerformanceLevel": "performanceLevel",
    "DiskName": "diskName",
    "Description": "description",
    "KMSKeyId": "kmsKeyId",
}


@API.action(
    "CreateDisk",
    *(*_NAMES, *_TAGS, "Size", "Encrypted", "ClientToken"),
    notes="pay-as-you-go disks without snapshots; the size is not enforced",
)
def create(call: RpcCall) -> dict[str, Any]:
    """Answer CreateDisk."""
    call.authorise("ecs:CreateDisk", "acs:ecs:*:*:disk/*")
    given = call.parameters
    inputs: Properties = {name: given[key] for key, name in _NAMES.items() if given.get(key)}
    inputs.setdefault("category", "cloud_efficiency")
    inputs |= {
        "size": call.number("Size", 0, 0, _MAX_SIZE_GIB),
        "encrypted": _boolean(call, "Encrypted"),
        "tags": _tags(call),
    }
    return {"DiskId": create_disk(inputs, call.context, given.get("ClientToken", ""))}


@API.action(
    "DescribeDisks",
    *(*_TAGS, "DiskIds", "InstanceId", "Status", "PageNumber", "PageSize"),
    notes="data disks; filters: DiskIds, InstanceId, Status, tags",
)
def describe_disks(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeDisks."""
    call.authorise("ecs:DescribeDisks", "acs:ecs:*:*:disk/*")
    ids, tags = listed_ids(call, "DiskIds"), _tags(call)
    instance_id, status = call.parameters.get("InstanceId"), call.parameters.get("Status", "All")
    found = [
        _view(call, disk_id, document)
        for disk_id, document in disks(call.context)
        if (not ids or disk_id in ids)
        and instance_id in (None, document["instance_id"])
        and status in ("All", document["status"])
        and tags.items() <= (document["inputs"].get("tags") or {}).items()
    ]
    fields, page = call.page(found, 100)
    return {**fields, "Disks": {"Disk": page}}


@API.action(
    "ModifyDiskAttribute",
    *("DiskId", "DiskName", "Description", "DeleteWithInstance"),
    notes="one disk; DeleteWithInstance false only",
)
def modify(call: RpcCall) -> dict[str, Any]:
    """Answer ModifyDiskAttribute."""
    disk_id = _disk_id(call, "ModifyDiskAttribute")
    if _boolean(call, "DeleteWithInstance"):
        raise not_supported("DeleteWithInstance=true", "use false")
    changes = {
        name: call.parameters[key]
        for key, name in _NAMES.items()
        if key in ("DiskName", "Description") and key in call.parameters
    }
    _change(call, disk_id, changes)
    return {}


@API.action("ResizeDisk", "DiskId", "NewSize", "Type", "ClientToken")
def resize(call: RpcCall) -> dict[str, Any]:
    """Answer ResizeDisk."""
    disk_id = _disk_id(call, "ResizeDisk")
    call.required("NewSize")
    kind = call.parameters.get("Type", "offline")
    if kind not in ("offline", "online"):
        raise CloudError("InvalidParam.Type", f"Type is {kind!r}; use offline or online.")
    _change(call, disk_id, {"size": call.number("NewSize", 0, 1, _MAX_SIZE_GIB)})
    return {}


@API.action("AttachDisk", "DiskId", "InstanceId", "DeleteWithInstance")
def attach(call: RpcCall) -> dict[str, Any]:
    """Answer AttachDisk."""
    disk_id = _disk_id(call, "AttachDisk")
    if _boolean(call, "DeleteWithInstance"):
        raise not_supported("DeleteWithInstance=true", "use false")
    attach_disk(disk_id, call.required("InstanceId"), call.context)
    return {}


@API.action("DetachDisk", "DiskId", "InstanceId")
def detach(call: RpcCall) -> dict[str, Any]:
    """Answer DetachDisk."""
    disk_id = _disk_id(call, "DetachDisk")
    detach_disk(disk_id, call.required("InstanceId"), call.context)
    return {}


@API.action("DeleteDisk", "DiskId")
def delete(call: RpcCall) -> dict[str, Any]:
    """Answer DeleteDisk; a missing disk is ignored."""
    delete_disk(_disk_id(call, "DeleteDisk"), call.context)
    return {}


@API.action(
    "TagResources",
    *("ResourceType", *numbered_names("ResourceId", MAX_LISTED), *_TAGS),
    notes="ResourceType disk; all resources or none",
)
def tag(call: RpcCall) -> dict[str, Any]:
    """Answer TagResources."""
    kind, ids = call.required("ResourceType"), call.listed("ResourceId")
    if kind != "disk":
        raise not_supported(f"ResourceType={kind!r}", "use disk")
    if not ids:
        raise CloudError("MissingParameter", "ResourceId.1 is mandatory.")
    for disk_id in ids:
        call.authorise("ecs:TagResources", f"acs:ecs:*:*:disk/{disk_id}")
        require_disk(disk_id, call.context)
    for disk_id in ids:
        old = require_disk(disk_id, call.context)["inputs"].get("tags") or {}
        _change(call, disk_id, {"tags": {**old, **_tags(call)}})
    return {}


def _disk_id(call: RpcCall, action: str) -> str:
    disk_id = call.required("DiskId")
    call.authorise(f"ecs:{action}", f"acs:ecs:*:*:disk/{disk_id}")
    return disk_id


def _change(call: RpcCall, disk_id: str, changes: Properties) -> None:
    inputs = require_disk(disk_id, call.context)["inputs"]
    change_disk(disk_id, {**inputs, **changes}, call.context)


def _boolean(call: RpcCall, name: str) -> bool:
    text = call.parameters.get(name, "false").lower()
    if text not in ("true", "false"):
        raise CloudError("InvalidParameter", f"{name} is {text!r}; it must be true or false.")
    return text == "true"


def _tags(call: RpcCall) -> dict[str, str]:
    names = [name.removesuffix(".Key") for name in _TAGS if name.endswith(".Key")]
    given = call.parameters
    return {
        given[f"{name}.Key"]: given.get(f"{name}.Value", "")
        for name in names
        if given.get(f"{name}.Key")
    }


def listed_ids(call: RpcCall, name: str) -> Sequence[str]:
    """Return the ids in a parameter that is a JSON list; empty without it."""
    text = call.parameters.get(name) or "[]"
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) > MAX_LISTED:
        raise CloudError(
            "InvalidParameter",
            f"{name} is {text!r}; it must be a JSON list of at most {MAX_LISTED} ids.",
        )
    return [str(item) for item in found]


def _view(call: RpcCall, disk_id: str, document: dict[str, Any]) -> dict[str, Any]:
    outputs = describe(document, call.context)
    return {
        "DiskId": disk_id,
        "DiskName": outputs.get("diskName", ""),
        "Description": outputs.get("description", ""),
        "Category": outputs["category"],
        "PerformanceLevel": outputs["performanceLevel"] or "",
        "Size": outputs["size"],
        "Type": "data",
        "Portable": True,
        "Status": outputs["status"],
        "InstanceId": outputs["instanceId"],
        "Device": document["device"],
        "DiskChargeType": "PostPaid",
        "DeleteWithInstance": False,
        "Encrypted": outputs["encrypted"],
        "KMSKeyId": outputs.get("kmsKeyId", ""),
        "RegionId": outputs["regionId"],
        "ZoneId": outputs["zoneId"],
        "CreationTime": outputs["createTime"],
        "Tags": {
            "Tag": [
                {"TagKey": key, "TagValue": value}
                for key, value in sorted((outputs.get("tags") or {}).items())
            ]
        },
    }
