"""Resource types of ECS: data disks and their attachment to an instance.

Narrower than the cloud: only pay-as-you-go disks that stay when their instance is deleted, without
snapshots. A smaller size is refused; the cloud's provider replaces the disk.
"""

from __future__ import annotations

from typing import Any, ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.ecs.disks import (
    DISK_TYPE,
    change_disk,
    create_disk,
    delete_disk,
    find_disk,
    moving,
    require_disk,
)
from localcloud.ecs.workers import instances_of
from localcloud.vpc.resources import VSWITCHES


class EcsDiskHandler(ResourceHandler):
    """``alicloud:ecs/ecsDisk:EcsDisk``."""

    token: ClassVar[str] = DISK_TYPE
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("zoneId", "category", "performanceLevel", "size", "encrypted", "kmsKeyId", "tags"),
            *("diskName", "deleteWithInstance", "paymentType"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"description", "type", "resourceGroupId", "deleteAutoSnapshot", "enableAutoSnapshot"}
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as CreateDisk does."""
        _refuse_others(inputs)
        disk_id = create_disk(inputs, context)
        return Created(disk_id, describe(require_disk(disk_id, context), context))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as DescribeDisks does."""
        document = find_disk(id, context)
        return None if document is None else describe(document, context)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it, as ModifyDiskAttribute, ModifyDiskSpec and ResizeDisk do."""
        _refuse_others(inputs)
        change_disk(id, inputs, context)
        return describe(require_disk(id, context), context)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it with its content, as DeleteDisk does."""
        delete_disk(id, context)


class EcsDiskAttachmentHandler(ResourceHandler):
    """``alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment``."""

    token: ClassVar[str] = "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment"  # noqa: S105 - a type
    effective: ClassVar[frozenset[str]] = frozenset(
        {"diskId", "instanceId", "deleteWithInstance", "bootable"}
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as AttachDisk does."""
        _refuse_others(inputs)
        disk_id, instance_id = inputs["diskId"], inputs["instanceId"]
        attach_disk(disk_id, instance_id, context)
        device = require_disk(disk_id, context)["device"]
        return Created(f"{disk_id}:{instance_id}", {"device": device})

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as DescribeDisks does."""
        disk_id, _, instance_id = id.partition(":")
        document = find_disk(disk_id, context)
        if document is None or document["instance_id"] != instance_id:
            return None
        found = {"diskId": disk_id, "instanceId": instance_id, "device": document["device"]}
        return {"bootable": False, "deleteWithInstance": False, **found}

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Return the outputs: no supported property can change in place."""
        _refuse_others(inputs)
        return {**outputs, **inputs}

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it, as DetachDisk does."""
        if self.read(id, outputs, context) is not None:
            disk_id, _, instance_id = id.partition(":")
            detach_disk(disk_id, instance_id, context)


HANDLERS: tuple[type[ResourceHandler], ...] = (EcsDiskHandler, EcsDiskAttachmentHandler)


def attach_disk(disk_id: str, instance_id: str, context: Context) -> None:
    """Attach a disk to an instance, where its device appears.

    Raises:
        CloudError: One of them does not exist or is in the wrong state or zone.
    """
    instances = instances_of(context)
    instance, disk = instances.require(instance_id), require_disk(disk_id, context)
    _require_steady(instance_id, instance)
    vswitch = context.store.table(VSWITCHES).get(instance["inputs"].get("vswitchId") or "") or {}
    zone_id = instance["inputs"].get("availabilityZone") or vswitch.get("zoneId")
    if zone_id != disk["inputs"]["zoneId"]:
        raise CloudError(
            "ResourcesNotInSameZone",
            f"The disk {disk_id} is in {disk['inputs']['zoneId']}, but the instance {instance_id} "
            f"is in {zone_id}.",
            403,
        )
    with moving("attach", disk_id, instance_id, context):
        instances.node(instance_id).plug()


def detach_disk(disk_id: str, instance_id: str, context: Context) -> None:
    """Detach a disk from an instance, whose device and mount disappear.

    Raises:
        CloudError: The disk is not attached to the instance, or one of them does not exist.
    """
    instances = instances_of(context)
    instance, disk = instances.require(instance_id), require_disk(disk_id, context)
    if not disk["instance_id"]:
        raise CloudError(
            "InvalidDisk.AlreadyDetached", f"The disk {disk_id} has been detached.", 404
        )
    if disk["instance_id"] != instance_id:
        raise CloudError(
            "DependencyViolation",
            f"The disk {disk_id} is attached to {disk['instance_id']}, not to {instance_id}.",
            403,
        )
    _require_steady(instance_id, instance)
    with moving("detach", disk_id, instance_id, context):
        instances.node(instance_id).plug()


def describe(document: dict[str, Any], context: Context) -> Properties:
    """Return the outputs of a disk."""
    inputs = document["inputs"]
    essd = inputs["category"] == "cloud_essd"
    return {
        **inputs,
        "availabilityZone": inputs["zoneId"],
        "createTime": document["created_at"],
        "deleteWithInstance": False,
        "encrypted": bool(inputs.get("encrypted")),
        "instanceId": document["instance_id"],
        "paymentType": "PayAsYouGo",
        "performanceLevel": inputs.get("performanceLevel", "PL1") if essd else None,
        "regionId": context.platform.region_id,
        "status": document["status"],
    }


def _require_steady(instance_id: str, instance: dict[str, Any]) -> None:
    if instance["status"] not in ("Running", "Stopped"):
        raise CloudError(
            "IncorrectInstanceStatus",
            f"The instance {instance_id} is {instance['status']}; it must be Running or Stopped.",
            403,
        )


def _refuse_others(inputs: Properties) -> None:
    supported = {"deleteWithInstance": False, "bootable": False, "paymentType": "PayAsYouGo"}
    for name, value in supported.items():
        if inputs.get(name, value) != value:
            raise CloudError(
                "LocalCloud.NotSupported",
                f"{name} is {inputs[name]!r}; the local cloud supports only {value!r}.",
            )
