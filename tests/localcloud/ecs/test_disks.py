"""Data disks of the local ECS: as resources, and over the wire with the vendor's client.

Cannot prove what a kernel, a file system or a real disk does: a disk is a folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.core.errors import CloudError
from localcloud.ecs.disks import moving
from localcloud.ecs.workers import instances_of
from providers.clients.credentials import credentials_provider
from providers.clients.errors import ClientError
from providers.clients.generic import GenericClient
from tests.localcloud.ecs.conftest import Ecs

DISK = "alicloud:ecs/ecsDisk:EcsDisk"
ATTACHMENT = "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment"
VERSION = "2014-05-26"


def inputs(ecs: Ecs, **changes: Any) -> dict[str, Any]:
    """Return the inputs of a disk in the zone of the vSwitch."""
    zone_id = ecs.stack.context.platform.zone_ids[0]
    given = {"zoneId": zone_id, "category": "cloud_essd", "size": 40, "tags": {"stack": "test"}}
    return {**given, **changes}


def make_disk(ecs: Ecs, **changes: Any) -> str:
    """Create a disk and return its id."""
    return str(ecs.stack.make(DISK, inputs(ecs, **changes)).id)


def attach(ecs: Ecs, disk_id: str, instance_id: str) -> str:
    """Attach a disk and return the attachment's id."""
    given = {"diskId": disk_id, "instanceId": instance_id}
    return str(ecs.stack.make(ATTACHMENT, given).id)


def read(ecs: Ecs, disk_id: str) -> dict[str, Any]:
    """Return the outputs of a disk."""
    found = ecs.stack.handler(DISK).read(disk_id, {}, ecs.stack.context)
    assert found is not None
    return dict(found)


def remove(ecs: Ecs, token: str, id: str) -> None:
    """Delete a resource."""
    ecs.stack.handler(token).delete(id, {}, ecs.stack.context)


def client(ecs: Ecs) -> Callable[..., Any]:
    """Return a function that calls an action with the account's key."""
    platform = ecs.stack.context.platform
    key = credentials_provider(platform.access_key_id, platform.access_key_secret)
    made = GenericClient(platform.endpoints["api"], platform.region_id, key)
    return lambda action, **parameters: made.rpc(action, VERSION, parameters)


def code_of(call: Callable[[], Any]) -> str:
    """Return the error code of a refused call."""
    with pytest.raises(CloudError) as caught:
        call()
    return caught.value.code


def test_disk_reports_what_describe_disks_does(ecs: Ecs) -> None:
    outputs = read(ecs, make_disk(ecs, performanceLevel="PL0", encrypted=True))
    assert outputs["status"] == "Available"
    assert outputs["instanceId"] == ""
    assert outputs["performanceLevel"] == "PL0"
    assert outputs["paymentType"] == "PayAsYouGo"
    assert outputs["deleteWithInstance"] is False


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"zoneId": "cn-hangzhou-z"}, "InvalidZoneId.NotFound"),
        ({"category": "floppy"}, "InvalidDiskCategory.ValueNotSupported"),
        ({"performanceLevel": "PL9"}, "InvalidPerformanceLevel.Malformed"),
        ({"size": None}, "MissingParameter"),
        ({"size": 19}, "InvalidDiskSize.NotSupported"),
        ({"size": 400, "performanceLevel": "PL2"}, "InvalidDiskSize.NotSupported"),
        ({"kmsKeyId": "key-1"}, "InvalidParameter.EncryptedIllegal"),
        ({"deleteWithInstance": True}, "LocalCloud.NotSupported"),
        ({"paymentType": "Subscription"}, "LocalCloud.NotSupported"),
    ],
)
def test_disk_that_ecs_does_not_offer_is_refused(
    ecs: Ecs, changes: dict[str, Any], code: str
) -> None:
    assert code_of(lambda: make_disk(ecs, **changes)) == code


def test_disk_grows_in_place_and_does_not_shrink(ecs: Ecs) -> None:
    disk_id, handler = make_disk(ecs), ecs.stack.handler(DISK)
    grown = handler.update(disk_id, {}, inputs(ecs, size=50), ecs.stack.context)
    assert grown["size"] == 50
    shrunk = inputs(ecs, size=40)
    refused = code_of(lambda: handler.update(disk_id, {}, shrunk, ecs.stack.context))
    assert refused == "InvalidDiskSize.TooSmall"


def test_attached_disk_appears_by_its_serial_number(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create()
    ecs.boot(instance_id)
    assert attach(ecs, disk_id, instance_id) == f"{disk_id}:{instance_id}"
    outputs = read(ecs, disk_id)
    assert (outputs["status"], outputs["instanceId"]) == ("In_use", instance_id)
    device = ecs.root(instance_id) / "dev/disk/by-id" / f"virtio-{disk_id.removeprefix('d-')}"
    assert device.is_dir()


def test_detached_disk_disappears_and_is_available(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create()
    ecs.boot(instance_id)
    remove(ecs, ATTACHMENT, attach(ecs, disk_id, instance_id))
    assert read(ecs, disk_id)["status"] == "Available"
    assert not list((ecs.root(instance_id) / "dev/disk/by-id").iterdir())
    handler = ecs.stack.handler(ATTACHMENT)
    assert handler.read(f"{disk_id}:{instance_id}", {}, ecs.stack.context) is None


def test_each_disk_of_an_instance_has_its_own_device(ecs: Ecs) -> None:
    instance_id = ecs.create()
    for _ in range(2):
        attach(ecs, make_disk(ecs), instance_id)
    found = client(ecs)("DescribeDisks", InstanceId=instance_id)["Disks"]["Disk"]
    assert {item["Device"] for item in found} == {"/dev/xvdb", "/dev/xvdc"}


def test_attached_disk_is_not_attached_again_or_deleted(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create()
    attach(ecs, disk_id, instance_id)
    other = ecs.create()
    assert code_of(lambda: attach(ecs, disk_id, other)) == "IncorrectDiskStatus"
    assert code_of(lambda: remove(ecs, DISK, disk_id)) == "IncorrectDiskStatus"


def test_disk_of_another_zone_is_not_attached(ecs: Ecs) -> None:
    elsewhere = make_disk(ecs, zoneId=ecs.stack.context.platform.zone_ids[1])
    instance_id = ecs.create()
    assert code_of(lambda: attach(ecs, elsewhere, instance_id)) == "ResourcesNotInSameZone"


def test_attachment_names_what_does_not_exist(ecs: Ecs) -> None:
    instance_id = ecs.create()
    assert code_of(lambda: attach(ecs, "d-none", instance_id)) == "InvalidDiskId.NotFound"
    disk_id = make_disk(ecs)
    assert code_of(lambda: attach(ecs, disk_id, "i-none")) == "InvalidInstanceId.NotFound"


def test_attachment_that_was_cut_off_can_be_repeated(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create()
    with (
        pytest.raises(KeyboardInterrupt),
        moving("attach", disk_id, instance_id, ecs.stack.context),
    ):
        assert read(ecs, disk_id)["status"] == "Attaching"
        raise KeyboardInterrupt
    attach(ecs, disk_id, instance_id)
    assert read(ecs, disk_id)["status"] == "In_use"


def test_deleted_instance_leaves_its_disk_and_deleted_disk_leaves_nothing(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create()
    attach(ecs, disk_id, instance_id)
    ecs.delete(instance_id)
    assert read(ecs, disk_id)["status"] == "Available"
    folder = ecs.root(disk_id)
    assert folder.is_dir()
    remove(ecs, DISK, disk_id)
    assert not folder.exists()
    remove(ecs, DISK, disk_id)


def test_vendor_client_uses_a_disk_from_creation_to_deletion(ecs: Ecs) -> None:
    call, instance_id = client(ecs), ecs.create()
    zone_id = ecs.stack.context.platform.zone_ids[0]
    given = {"ZoneId": zone_id, "DiskCategory": "cloud_essd", "Size": 20, "ClientToken": "one"}
    disk_id = call("CreateDisk", **given, **{"Tag.1.Key": "stack", "Tag.1.Value": "x"})["DiskId"]
    assert call("CreateDisk", **given)["DiskId"] == disk_id
    call("ModifyDiskAttribute", DiskId=disk_id, DiskName="data", DeleteWithInstance="false")
    call("ResizeDisk", DiskId=disk_id, NewSize=30, Type="online")
    owner = {"Tag.1.Key": "owner", "Tag.1.Value": "me"}
    call("TagResources", ResourceType="disk", **{"ResourceId.1": disk_id}, **owner)
    call("AttachDisk", DiskId=disk_id, InstanceId=instance_id)
    (found,) = call("DescribeDisks", DiskIds=f'["{disk_id}"]', Status="In_use", **owner)["Disks"][
        "Disk"
    ]
    assert (found["DiskName"], found["Size"], found["InstanceId"]) == ("data", 30, instance_id)
    assert [tag["TagKey"] for tag in found["Tags"]["Tag"]] == ["owner", "stack"]
    call("DetachDisk", DiskId=disk_id, InstanceId=instance_id)
    call("DeleteDisk", DiskId=disk_id)
    assert call("DescribeDisks")["TotalCount"] == 0


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("AttachDisk", {"DiskId": "d-none", "InstanceId": "INSTANCE"}, "InvalidDiskId.NotFound"),
        ("AttachDisk", {"DiskId": "DISK", "InstanceId": "i-no"}, "InvalidInstanceId.NotFound"),
        ("AttachDisk", {"DiskId": "DISK"}, "MissingParameter"),
        ("DetachDisk", {"DiskId": "DISK", "InstanceId": "INSTANCE"}, "InvalidDisk.AlreadyDetached"),
        ("ResizeDisk", {"DiskId": "DISK", "NewSize": 20}, "InvalidDiskSize.TooSmall"),
        ("ResizeDisk", {"DiskId": "DISK", "NewSize": 50, "Type": "x"}, "InvalidParam.Type"),
        ("CreateDisk", {"Size": 20}, "InvalidZoneId.NotFound"),
        ("CreateDisk", {"SnapshotId": "s-1"}, "LocalCloud.NotSupported"),
        ("DescribeDisks", {"DiskIds": "d-1"}, "InvalidParameter"),
        ("TagResources", {"ResourceType": "instance"}, "LocalCloud.NotSupported"),
    ],
)
def test_wire_operation_replies_with_the_codes_of_ecs(
    ecs: Ecs, action: str, parameters: dict[str, Any], code: str
) -> None:
    real = {"DISK": make_disk(ecs), "INSTANCE": ecs.create()}
    given = {name: real.get(value, value) for name, value in parameters.items()}
    with pytest.raises(ClientError, match=code):
        client(ecs)(action, **given)


def test_disk_of_another_instance_is_not_detached(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create()
    attach(ecs, disk_id, instance_id)
    with pytest.raises(ClientError, match="DependencyViolation"):
        client(ecs)("DetachDisk", DiskId=disk_id, InstanceId=ecs.create())


def test_disk_is_attached_to_a_stopped_instance(ecs: Ecs) -> None:
    disk_id, instance_id = make_disk(ecs), ecs.create(status="Stopped")
    attach(ecs, disk_id, instance_id)
    assert instances_of(ecs.stack.context).require(instance_id)["status"] == "Stopped"
    assert read(ecs, disk_id)["status"] == "In_use"
