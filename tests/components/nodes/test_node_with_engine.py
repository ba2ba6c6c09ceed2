"""A node with a data disk under the real engine, in the local cloud.

It proves the order of a replacement, not what a real disk does. The node's code is not in OSS, so
its boot ends at the mount.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud import control
from tests.localcloud.alicloud.test_plugin_with_engine import home, prepare
from tests.localcloud.running import until
from tests.tools.engine import Project
from tools.paths import Paths

__all__ = ["home"]

pytestmark = pytest.mark.engine

PROGRAM = """
import json

import pulumi
import pulumi_alicloud as alicloud

from components.naming import Naming
from components.nodes import (
    Code, DataDisk, Machine, Placement, ServiceArgs, ServiceNode, ServiceNodeArgs
)
from components.scope import Scope

config = pulumi.Config()
provider = alicloud.Provider(
    "local",
    region="cn-hangzhou",
    shared_credentials_file=config.require("platform"),
    opts=pulumi.ResourceOptions(version="4.0.0-local"),
)
options = pulumi.ResourceOptions(provider=provider)
vpc = alicloud.vpc.Network("net", vpc_name="net", cidr_block="10.0.0.0/8", opts=options)
vswitch = alicloud.vpc.Switch(
    "net", vpc_id=vpc.id, cidr_block="10.0.1.0/24", zone_id="cn-hangzhou-h", opts=options
)
group = alicloud.ecs.SecurityGroup(
    "net", vpc_id=vpc.id, security_group_name="net", opts=options
)
trust = {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"Service": ["ecs.aliyuncs.com"]}}
role = alicloud.ram.Role(
    "node",
    role_name="node",
    assume_role_policy_document=json.dumps({"Version": "1", "Statement": [trust]}),
    opts=options,
)
node = ServiceNode(
    "node",
    ServiceNodeArgs(
        scope=Scope(
            naming=Naming(project="customrag", stack="local", account_id="1234567890123456"),
            region_id="cn-hangzhou",
            tags={"stack": "local"},
        ),
        service=ServiceArgs(
            name="keeping", module="tiny.keeping", port=8000,
            environment={"VERSION": config.get("version") or "1"},
        ),
        code=Code(uri="oss://none/customrag-0123456789ab.zip", oss_endpoint="http://127.0.0.1:9"),
        machine=Machine(
            instance_type="ecs.g7.large", image_id="local_python", ram_role_name=role.role_name,
            security_group_ids=[group.id],
        ),
        placement=Placement(zone_id="cn-hangzhou-h", vswitch_id=vswitch.id),
        data_disk=DataDisk(
            size_gib=config.get_int("size") or 20,
            mount_path="/var/lib/customrag/index",
            deletion_protection=config.get_bool("protected") is not False,
        ),
        private_ip="10.0.1.10",
    ),
    pulumi.ResourceOptions(providers=[provider]),
)
pulumi.export("instance", node.instance_id)
pulumi.export("address", node.private_ip)
"""


@pytest.fixture
def stack(
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    home: Path,
    checkout: Paths,
) -> Project:
    """Return a project with a node that has a data disk."""
    control.start(home, ("vpc", "ram", "ecs"))
    environment = {**pulumi_environment, "PYTHONPATH": str(Path(__file__).parents[3])}
    project = Project(folder=tmp_path / "project", pulumi=pulumi_path, environment=environment)
    prepare(project, PROGRAM, home, checkout)
    return project


def mounted(home: Path, outputs: dict[str, Any]) -> Path:
    """Wait until the node has mounted its disk, and return the folder."""
    folder = home / "cloud" / "ecs" / outputs["instance"] / "var/lib/customrag/index"
    until(folder.is_symlink, "the disk is mounted")
    return folder


def test_replaced_node_has_the_disk_and_the_address_of_its_predecessor(
    stack: Project, home: Path
) -> None:
    stack.succeed("up", "--yes", "--skip-preview")
    before = stack.outputs()
    (mounted(home, before) / "kept").write_text("kept")
    stack.succeed("preview", "--expect-no-changes")
    stack.succeed("refresh", "--yes", "--expect-no-changes")
    stack.succeed("config", "set", "version", "2")
    stack.succeed("config", "set", "size", "30")
    stack.succeed("up", "--yes", "--skip-preview")
    after = stack.outputs()
    assert after["instance"] != before["instance"]
    assert after["address"] == before["address"]
    assert after["address"].startswith("127.")
    assert (mounted(home, after) / "kept").read_text() == "kept"
    refused = stack.run("destroy", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert "protected" in refused.stdout + refused.stderr
    stack.succeed("config", "set", "protected", "false")
    stack.succeed("up", "--yes", "--skip-preview")
    stack.succeed("destroy", "--yes", "--skip-preview")
    assert not list((home / "cloud" / "ecs").iterdir())
