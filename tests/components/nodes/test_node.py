"""The resources of `ServiceNode` under mocks. Does not test how the provider behaves."""

from __future__ import annotations

import asyncio
import base64
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
    Machine,
    Placement,
    ServiceArgs,
    ServiceNode,
    ServiceNodeArgs,
)
from components.scope import Scope

INSTANCE = "alicloud:ecs/instance:Instance"
ATTACHMENT = "alicloud:ecs/ramRoleAttachment:RamRoleAttachment"
COMPONENT = "customrag:nodes:ServiceNode"
CODE_URI = "oss://artifacts/code/0123456789ab/customrag-0123456789ab.zip"


@dataclass
class Recorder(pulumi_mocks.Mocks):
    """Records declared resources and rejects unexpected types."""

    preview: bool = False
    inputs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def new_resource(
        self, args: pulumi_mocks.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        if args.typ not in (INSTANCE, ATTACHMENT, COMPONENT, "pulumi:pulumi:Stack"):
            raise AssertionError(f"{args.name}: unexpected resource type {args.typ}")
        self.inputs[args.typ, args.name] = dict(args.inputs)
        state = dict(args.inputs)
        if self.preview:
            return "", state
        if args.typ == INSTANCE:
            state["privateIp"] = "10.20.0.7"
        return f"{args.name}-id", state

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        raise AssertionError(f"unexpected call of {args.token}")


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


def declare(recorder: Recorder) -> dict[str, Any]:
    """Declare a node and return its known outputs."""
    found: dict[str, Any] = {}

    async def body() -> None:
        pulumi.runtime.set_mocks(recorder, preview=recorder.preview)
        nodes: list[ServiceNode] = []
        code_uri = pulumi.Output.from_input(CODE_URI)
        args = arguments(code=Code(uri=code_uri, oss_endpoint="http://oss"))
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


def test_a_machine_without_a_security_group_is_rejected() -> None:
    with pytest.raises(ValueError, match="security_group_ids"):
        Machine(
            instance_type="ecs.g7.large", image_id="image", ram_role_name="r", security_group_ids=[]
        )
