"""A data disk that outlives its node.

Owns: the disk, its attachment, and where the node mounts it. Does not own: the file system, which
the node makes at its first boot (`mount-disk.sh`), or what is on it.

ECS detaches the disk from a node that still runs. To the service this is a power cut, so it must
flush (fsync) what it confirms. API: CreateDisk and AttachDisk,
https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-attachdisk
(read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_alicloud import ecs

from components.nodes.user_data import check_mount_path

__all__ = ["DataDisk", "attach_data_disk", "declare_data_disk"]

_ESSD = "cloud_essd"
_LEVELS = ("PL0", "PL1", "PL2", "PL3")
_GIB = range(20, 32768 + 1)


@dataclass(frozen=True, kw_only=True)
class DataDisk:
    """A disk that stays when its node is replaced.

    Attributes:
        size_gib: 20 to 32,768 GiB. A larger size grows the disk in place, and the file system at
            the next start of the node. A smaller size replaces the disk and loses its data.
        mount_path: Folder of the service's state, `/var/lib/customrag` or a folder below it.
        category: Category of the disk. Default: an ESSD.
        performance_level: PL0 to PL3, for an ESSD only. PL2 needs 461 GiB, PL3 1,261 GiB. A later
            change to PL0 replaces the disk and loses its data.
        deletion_protection: Pulumi refuses to delete the disk. Default: it does.
    """

    size_gib: int
    mount_path: str
    category: str = _ESSD
    performance_level: str = "PL1"
    deletion_protection: bool = True

    def __post_init__(self) -> None:
        if self.size_gib not in _GIB:
            raise ValueError(
                f"data_disk.size_gib is {self.size_gib}; it must be {_GIB.start} to {_GIB.stop - 1}"
            )
        if self.performance_level not in _LEVELS:
            raise ValueError(
                f"data_disk.performance_level is {self.performance_level!r}; it must be one of "
                f"{', '.join(_LEVELS)}"
            )
        check_mount_path(self.mount_path)


def declare_data_disk(
    name: str,
    disk: DataDisk,
    *,
    zone_id: str,
    kms_key_id: pulumi.Input[str] | None,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> ecs.EcsDisk:
    """Declare the disk, encrypted with a key of KMS, or with ECS's own key without one."""
    return ecs.EcsDisk(
        f"{name}-data",
        disk_name=f"{name}-data",
        description=f"customrag: data of {name}",
        zone_id=zone_id,
        category=disk.category,
        performance_level=disk.performance_level if disk.category == _ESSD else None,
        size=disk.size_gib,
        encrypted=True,
        kms_key_id=kms_key_id,
        payment_type="PayAsYouGo",
        delete_with_instance=False,
        # Grow without a restart of the node.
        type="online",
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent, protect=disk.deletion_protection),
    )


def attach_data_disk(
    name: str, disk: ecs.EcsDisk, instance: ecs.Instance, parent: pulumi.Resource
) -> ecs.EcsDiskAttachment:
    """Declare the attachment of the disk to the node."""
    return ecs.EcsDiskAttachment(
        f"{name}-data",
        disk_id=disk.id,
        instance_id=instance.id,
        delete_with_instance=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
