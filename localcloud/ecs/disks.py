"""The data disks of a local stack: a record and a folder each.

Owns the records, what a disk may be, and the states that it goes through. It does not own what an
instance sees of it (``localcloud.ecs.devices``). The content is in the folder ``filesystem`` of the
disk's folder, which exists once a node has made a file system. Sizes are not enforced.

Error codes: https://api.aliyun.com/document/Ecs/2014-05-26/CreateDisk, .../AttachDisk,
.../DetachDisk, .../DeleteDisk and .../ResizeDisk (read 2026-11-30).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.home import data_dir
from localcloud.core.resources import Context, Properties
from localcloud.core.times import timestamp
from provider_facts.rules import broken_rules

Document = dict[str, Any]

DISKS: Final = "ecs.disks"
DISK_TYPE: Final = "alicloud:ecs/ecsDisk:EcsDisk"
_CATEGORIES: Final = (
    *("cloud_essd", "cloud_auto", "cloud_efficiency", "cloud_ssd", "cloud_essd_entry"),
)
_LEVELS: Final = ("PL0", "PL1", "PL2", "PL3")
# Operation to the state before it, during it, and after it.
_STATES: Final[Mapping[str, tuple[str, str, str]]] = {
    "attach": ("Available", "Attaching", "In_use"),
    "detach": ("In_use", "Detaching", "Available"),
}
# 16 data disks for each instance. Assumed: the number depends on the instance type.
_DEVICES: Final = tuple(f"/dev/xvd{letter}" for letter in "bcdefghijklmnopq")


def disks(context: Context) -> list[tuple[str, Document]]:
    """Return every disk with its record."""
    return context.store.table(DISKS).items()


def find_disk(disk_id: str, context: Context) -> Document | None:
    """Return the record of a disk, or None."""
    return context.store.table(DISKS).get(disk_id)


def require_disk(disk_id: str, context: Context) -> Document:
    """Return the record of a disk.

    Raises:
        CloudError: ``InvalidDiskId.NotFound``.
    """
    document = find_disk(disk_id, context)
    if document is None:
        raise CloudError("InvalidDiskId.NotFound", f"The disk {disk_id} does not exist.", 404)
    return document


def create_disk(inputs: Properties, context: Context, client_token: str = "") -> str:
    """Create an empty disk and return its id; the same client token returns the same disk.

    Raises:
        CloudError: ECS does not offer such a disk.
    """
    _check(inputs, context)
    for disk_id, document in disks(context):
        if client_token and document["client_token"] == client_token:
            return disk_id
    disk_id = context.ids.new("d-bp1", 17)
    document = {
        "inputs": inputs,
        "status": "Creating",
        "instance_id": "",
        "device": "",
        "created_at": timestamp(),
        "client_token": client_token,
    }
    context.store.table(DISKS).put(disk_id, document)
    _folder(disk_id, context).mkdir(parents=True, exist_ok=True)
    _update(disk_id, context, status="Available")
    return disk_id


def change_disk(disk_id: str, inputs: Properties, context: Context) -> None:
    """Change a disk, as ModifyDiskAttribute, ModifyDiskSpec and ResizeDisk do.

    Raises:
        CloudError: The disk would become smaller, or ECS does not offer such a disk.
    """
    old = require_disk(disk_id, context)["inputs"]
    _check(inputs, context)
    if inputs["size"] < old["size"]:
        raise CloudError(
            "InvalidDiskSize.TooSmall",
            f"The new size of {disk_id} is {inputs['size']} GiB; it must be at least the present "
            f"{old['size']} GiB.",
            403,
        )
    _update(disk_id, context, inputs=inputs)


def delete_disk(disk_id: str, context: Context) -> None:
    """Delete a disk with its content; a missing one is not an error.

    Raises:
        CloudError: ``IncorrectDiskStatus``: the disk is attached.
    """
    document = find_disk(disk_id, context)
    if document is None:
        return
    if document["status"] not in ("Creating", "Available"):
        raise _wrong_status(disk_id, document, "Available")
    shutil.rmtree(_folder(disk_id, context), ignore_errors=True)
    context.store.table(DISKS).delete(disk_id)


def attached_disks(instance_id: str, context: Context) -> dict[str, Path]:
    """Return the folder of each disk that an instance has, by the disk's id."""
    return {
        disk_id: _folder(disk_id, context)
        for disk_id, document in disks(context)
        if document["instance_id"] == instance_id and document["status"] in ("Attaching", "In_use")
    }


def release_disks(instance_id: str, context: Context) -> None:
    """Detach all disks of an instance that is deleted; they keep their content."""
    for disk_id, document in disks(context):
        if document["instance_id"] == instance_id:
            _update(disk_id, context, status="Available", instance_id="", device="")


@contextmanager
def moving(operation: str, disk_id: str, instance_id: str, context: Context) -> Iterator[None]:
    """Move a disk through the states of an operation, whose work is the body.

    An operation that was cut off in its middle state can be repeated.

    Args:
        operation: `attach` or `detach`.
        disk_id: The disk.
        instance_id: The instance.
        context: The running local cloud.

    Raises:
        CloudError: ``IncorrectDiskStatus``: the disk is in another state, or
            ``InstanceDiskLimitExceeded``.
    """
    before, during, after = _STATES[operation]
    with context.store.transaction():
        document = require_disk(disk_id, context)
        repeated = (document["status"], document["instance_id"]) == (during, instance_id)
        if document["status"] != before and not repeated:
            raise _wrong_status(disk_id, document, before)
        device = document["device"] or _free_device(instance_id, context)
        _update(disk_id, context, status=during, instance_id=instance_id, device=device)
    yield
    if after == "Available":
        instance_id = device = ""
    _update(disk_id, context, status=after, instance_id=instance_id, device=device)


def _free_device(instance_id: str, context: Context) -> str:
    taken = {item["device"] for _, item in disks(context) if item["instance_id"] == instance_id}
    for device in _DEVICES:
        if device not in taken:
            return device
    raise CloudError(
        "InstanceDiskLimitExceeded",
        f"{instance_id} already has {len(_DEVICES)} data disks; detach one first.",
        403,
    )


def _folder(disk_id: str, context: Context) -> Path:
    return data_dir(context.platform.home, "ecs") / disk_id


def _update(disk_id: str, context: Context, **changes: Any) -> None:
    context.store.table(DISKS).update(disk_id, lambda old: {**(old or {}), **changes})


def _wrong_status(disk_id: str, document: Document, wanted: str) -> CloudError:
    where = f" at {document['instance_id']}" if document["instance_id"] else ""
    return CloudError(
        "IncorrectDiskStatus",
        "The current disk status does not support this operation: "
        f"{disk_id} is {document['status']}{where}; it must be {wanted}.",
        403,
    )


def _check(inputs: Properties, context: Context) -> None:
    zones, zone_id = context.platform.zone_ids, inputs.get("zoneId")
    if zone_id not in zones:
        raise CloudError(
            "InvalidZoneId.NotFound",
            f"zoneId is {zone_id!r}; it must be one of {', '.join(zones)}.",
            404,
        )
    category, level = inputs.get("category"), inputs.get("performanceLevel") or "PL1"
    if category not in _CATEGORIES:
        raise CloudError(
            "InvalidDiskCategory.ValueNotSupported",
            f"category is {category!r}; it must be one of {', '.join(_CATEGORIES)}.",
        )
    if level not in _LEVELS:
        raise CloudError(
            "InvalidPerformanceLevel.Malformed",
            f"performanceLevel is {level!r}; it must be one of {', '.join(_LEVELS)}.",
        )
    if not inputs.get("size"):
        raise CloudError("MissingParameter", "size is mandatory; snapshots are not supported.")
    for _, reason in broken_rules(DISK_TYPE, inputs):
        raise CloudError("InvalidDiskSize.NotSupported", f"size {reason}.", 403)
    if inputs.get("kmsKeyId") and not inputs.get("encrypted"):
        raise CloudError(
            "InvalidParameter.EncryptedIllegal",
            "encrypted must be true, because kmsKeyId is not empty.",
        )
