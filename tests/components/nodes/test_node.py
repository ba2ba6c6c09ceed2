"""The resources of `ServiceNode` under mocks. Does not test how the provider behaves."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime.stack import run_pulumi_func

from components.naming import Naming
from components.nodes import (
    Code,
    DataDisk,
    Machine,
    Placement,
    ServiceArgs,
    ServiceNode,
    ServiceNodeArgs,
)
from components.scope import Scope

INSTANCE = "alicloud:ecs/instance:Instance"
ATTACHMENT = "alicloud:ecs/ramRoleAttachment:RamRoleAttachment"
DISK = "alicloud:ecs/ecsDisk:EcsDisk"
DISK_ATTACHMENT = "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment"
COMPONENT = "customrag:nodes:ServiceNode"
CODE_URI = "oss://artifacts/code/0123456789ab/customrag-0123456789ab.zip"


@dataclass
class Recorder(pulumi_mocks.Mocks):
    """Records declared resources and rejects unexpected types."""

    preview: bool = False
    inputs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)

    def request(self, typ: str) -> Any:
        """Return the engine's request of the one resource of a type."""
        (found,) = [request for request in self.requests if request.type == typ]
        return found

    def new_resource(
        self, args: pulumi_mocks.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        known = (INSTANCE, ATTACHMENT, DISK, DISK_ATTACHMENT, COMPONENT, "pulumi:pulumi:Stack")
        if args.typ not in known:
            raise AssertionError(f"{args.name}: unexpected resource type {args.typ}")
        self.inputs[args.typ, args.name] = dict(args.inputs)
        state = dict(args.inputs)
        if self.preview:
            return "", state
        if args.typ == INSTANCE:
            state["privateIp"] = state["primaryIpAddress"] = "10.20.0.7"
            if "privateIp" in args.inputs:
                # As in the local cloud, which reaches a node by a loopback address.
                state |= {"privateIp": args.inputs["privateIp"], "primaryIpAddress": "127.9.1.1"}
        return f"{args.name}-id", state

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        raise AssertionError(f"unexpected call of {args.token}")


class Monitor(pulumi_mocks.MockMonitor):
    """Keeps the requests, which have the options of the resources."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        assert isinstance(self.mocks, Recorder)
        self.mocks.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # the SDK's


def arguments(**changes: Any) -> ServiceNodeArgs:
    """Return the arguments of an embedding node, with changes."""
    given: dict[str, Any] = {
        "service": ServiceArgs(
            name="embedding",
            module="rag.serving",
            port=8000,
            environment={"CUSTOMRAG_MODEL_URI": "oss://artifacts/model/"},
        ),
        "scope": Scope(
            naming=Naming(project="customrag", stack="test", account_id="1234567890123456"),
            region_id="cn-hangzhou",
            tags={"stack": "test"},
        ),
        "code": Code(uri=CODE_URI, oss_endpoint="http://oss"),
        "machine": Machine(
            instance_type="ecs.gn7i-c8g1.2xlarge",
            image_id="image",
            ram_role_name="embedding-role",
            security_group_ids=["sg-1"],
        ),
        "placement": Placement(zone_id="cn-hangzhou-h", vswitch_id="vsw-1"),
    }
    return ServiceNodeArgs(**{**given, **changes})


def declare(recorder: Recorder, **changes: Any) -> dict[str, Any]:
    """Declare a node and return its known outputs."""
    found: dict[str, Any] = {}

    async def body() -> None:
        pulumi.runtime.set_mocks(recorder, preview=recorder.preview, monitor=Monitor(recorder))
        nodes: list[ServiceNode] = []
        code_uri = pulumi.Output.from_input(CODE_URI)
        args = arguments(code=Code(uri=code_uri, oss_endpoint="http://oss"), **changes)
        await run_pulumi_func(lambda: nodes.append(ServiceNode("node", args)))
        await nodes[0].urn.future()
        for name in ("instance_id", "private_ip", "url"):
            found[name] = await getattr(nodes[0], name).future()

    asyncio.run(body())
    return found


def test_node_is_private_and_encrypted_and_requires_a_token_for_metadata() -> None:
    recorder = Recorder()
    declare(recorder)
    inputs = recorder.inputs[INSTANCE, "node"]
    del inputs["userData"]
    assert inputs == {
        "availabilityZone": "cn-hangzhou-h",
        "deletionProtection": False,
        "description": "customrag embedding: rag.serving",
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "imageId": "image",
        "instanceChargeType": "PostPaid",
        "instanceName": "node",
        "instanceType": "ecs.gn7i-c8g1.2xlarge",
        "internetMaxBandwidthOut": 0,
        "securityEnhancementStrategy": "Active",
        "securityGroups": ["sg-1"],
        "spotStrategy": "NoSpot",
        "systemDiskCategory": "cloud_essd",
        "systemDiskEncrypted": True,
        "systemDiskSize": 40,
        "tags": {"stack": "test"},
        "vswitchId": "vsw-1",
    }


def test_role_is_attached_to_the_instance() -> None:
    recorder = Recorder()
    declare(recorder)
    assert recorder.inputs[ATTACHMENT, "node-role"] == {
        "instanceId": "node-id",
        "ramRoleName": "embedding-role",
    }


def test_user_data_is_base64_and_contains_a_code_uri_from_an_output() -> None:
    recorder = Recorder()
    declare(recorder)
    text = base64.b64decode(recorder.inputs[INSTANCE, "node"]["userData"]).decode()
    assert f"--code-uri, {CODE_URI}".replace(", ", '", "') in text
    files = {entry["path"]: entry["content"] for entry in yaml.safe_load(text)["write_files"]}
    assert 'CUSTOMRAG_MODEL_URI="oss://artifacts/model/"' in files["/etc/customrag/embedding.env"]
    assert 'CUSTOMRAG_REGION_ID="cn-hangzhou"' in files["/etc/customrag/embedding.env"]


def test_url_uses_the_private_address() -> None:
    assert declare(Recorder()) == {
        "instance_id": "node-id",
        "private_ip": "10.20.0.7",
        "url": "http://10.20.0.7:8000",
    }


def test_preview_declares_the_same_resources_without_an_address() -> None:
    recorder = Recorder(preview=True)
    outputs = declare(recorder)
    assert {typ for typ, _ in recorder.inputs} >= {INSTANCE, ATTACHMENT, COMPONENT}
    assert outputs["url"] is None


DATA = DataDisk(size_gib=40, mount_path="/var/lib/customrag/index", performance_level="PL0")


def test_data_disk_is_encrypted_protected_and_in_the_zone_of_the_node() -> None:
    recorder = Recorder()
    declare(recorder, data_disk=DATA)
    assert recorder.inputs[DISK, "node-data"] == {
        "category": "cloud_essd",
        "deleteWithInstance": False,
        "description": "customrag: data of node",
        "diskName": "node-data",
        "encrypted": True,
        "paymentType": "PayAsYouGo",
        "performanceLevel": "PL0",
        "size": 40,
        "tags": {"stack": "test"},
        "type": "online",
        "zoneId": "cn-hangzhou-h",
    }
    assert recorder.request(DISK).protect
    assert recorder.inputs[DISK_ATTACHMENT, "node-data"] == {
        "diskId": "node-data-id",
        "instanceId": "node-id",
        "deleteWithInstance": False,
    }


def test_data_disk_without_protection_can_be_deleted() -> None:
    recorder = Recorder()
    declare(recorder, data_disk=dataclasses.replace(DATA, deletion_protection=False))
    assert not recorder.request(DISK).protect


def test_the_id_of_the_disk_reaches_the_user_data() -> None:
    recorder = Recorder()
    declare(recorder, data_disk=DATA)
    text = base64.b64decode(recorder.inputs[INSTANCE, "node"]["userData"]).decode()
    mount = ["/opt/customrag/mount-disk.sh", "node-data-id", "/var/lib/private/customrag/index"]
    assert mount in yaml.safe_load(text)["runcmd"]


def test_the_role_waits_for_the_disk_because_the_service_does() -> None:
    recorder = Recorder()
    declare(recorder, data_disk=DATA)
    (urn,) = recorder.request(ATTACHMENT).propertyDependencies["instanceId"].urns
    waits_for = set(recorder.request(ATTACHMENT).dependencies)
    assert any("ecsDiskAttachment" in one for one in waits_for - {urn})


@pytest.mark.parametrize("changes", [{"data_disk": DATA}, {"private_ip": "10.20.0.9"}])
def test_node_with_what_only_one_can_have_is_deleted_before_its_successor_is_created(
    changes: dict[str, Any],
) -> None:
    recorder = Recorder()
    declare(recorder, **changes)
    assert recorder.request(INSTANCE).deleteBeforeReplace


def test_node_without_a_data_disk_is_deleted_after_its_successor_is_created() -> None:
    recorder = Recorder()
    declare(recorder)
    assert not recorder.request(INSTANCE).deleteBeforeReplace
    assert DISK not in {typ for typ, _ in recorder.inputs}


def test_another_fixed_address_creates_another_node() -> None:
    recorder = Recorder()
    declare(recorder, private_ip="10.20.0.9")
    assert recorder.inputs[INSTANCE, "node"]["privateIp"] == "10.20.0.9"
    assert "privateIp" in recorder.request(INSTANCE).replaceOnChanges


def test_url_of_a_fixed_address_is_the_one_that_the_cloud_reports() -> None:
    found = declare(Recorder(), private_ip="10.20.0.9")
    assert (found["private_ip"], found["url"]) == ("127.9.1.1", "http://127.9.1.1:8000")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size_gib": 19}, "20 to 32768"),
        ({"size_gib": 32769}, "20 to 32768"),
        ({"performance_level": "PL4"}, "PL0, PL1, PL2, PL3"),
        ({"mount_path": "/data"}, "mount_path"),
    ],
)
def test_a_data_disk_that_ecs_or_the_node_cannot_have_is_rejected(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(DATA, **changes)


def test_a_private_ip_that_is_not_an_address_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"private_ip is '10\.20\.0'"):
        arguments(private_ip="10.20.0")


def test_a_machine_without_a_security_group_is_rejected() -> None:
    with pytest.raises(ValueError, match="security_group_ids"):
        Machine(
            instance_type="ecs.g7.large", image_id="image", ram_role_name="r", security_group_ids=[]
        )
