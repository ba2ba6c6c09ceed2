"""Existing resources, and resources in another region, under the real engine.

It proves nothing about the cloud, because the local cloud answers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud import control
from localcloud.alicloud.client import DaemonClient
from localcloud.core.home import load_platform
from tests.localcloud.alicloud.test_plugin_with_engine import exported, home, stack, up
from tests.tools.engine import Project

__all__ = ["home", "stack"]

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys

import pulumi
import pulumi_alicloud as alicloud

config = pulumi.Config()
sys.path.insert(0, config.require("root"))

from components.naming import Naming
from components.network import Network, NetworkArgs
from components.retention import Retention
from components.scope import Scope
from components.storage import PrivateBucket, PrivateBucketArgs, Storage, StorageArgs


def provider(name, region):
    return alicloud.Provider(
        name,
        region=region,
        shared_credentials_file=config.require("platform"),
        opts=pulumi.ResourceOptions(version="4.0.0-local"),
    )


here = pulumi.ResourceOptions(providers=[provider("here", "cn-hangzhou")])
there = pulumi.ResourceOptions(providers=[provider("there", "cn-shanghai")])
scope = Scope(
    naming=Naming(project="p", stack="s", account_id="1234567890123456"), region_id="cn-hangzhou"
)
network = Network(
    "network",
    NetworkArgs(
        scope=scope,
        zone_ids=["cn-hangzhou-h"],
        cidr_block=config.get("block") or "10.9.0.0/16",
        existing_vpc_id=config.require("vpc"),
        existing_vswitch_ids={"cn-hangzhou-h": config.require("vswitch")},
    ),
    here,
)
storage = Storage(
    "storage",
    StorageArgs(
        scope=scope,
        existing_corpus_bucket="their-own",
        retention=Retention(deletion_protection=False, retain=True),
    ),
    here,
)
copy = PrivateBucket(
    "copy",
    PrivateBucketArgs(bucket_name="the-copy", retention=Retention(deletion_protection=False)),
    there,
)
pulumi.export("vswitch", network.vswitch_ids["cn-hangzhou-h"])
pulumi.export("corpus", storage.corpus.bucket_name)
pulumi.export("copy", copy.bucket_name)
"""


class Outside:
    """The local cloud, used by another owner than the stack."""

    def __init__(self, home: Path) -> None:
        self.client = DaemonClient(load_platform(home))

    def make(self, token: str, **inputs: object) -> str:
        document = {"type": f"alicloud:{token}", "inputs": inputs, "client_token": f"{inputs}"}
        return str(self.client.resource("create", document)["id"])

    def is_there(self, token: str, id_: str) -> bool:
        document = {"type": f"alicloud:{token}", "id": id_, "outputs": {}}
        return self.client.resource("read", document)["outputs"] is not None


@pytest.fixture
def outside(stack: Project, home: Path) -> Outside:
    """Create a VPC, a vSwitch and a bucket of another owner, which the stack's config names."""
    control.stop(home)
    control.start(home, ("vpc", "ram", "kms", "oss"))
    outside = Outside(home)
    vpc = outside.make("vpc/network:Network", vpcName="theirs", cidrBlock="10.9.0.0/16")
    vswitch = outside.make(
        "vpc/switch:Switch",
        vpcId=vpc,
        zoneId="cn-hangzhou-h",
        cidrBlock="10.9.1.0/24",
        vswitchName="theirs",
    )
    outside.make("oss/bucket:Bucket", bucket="their-own")
    stack.write(PROGRAM)
    for key, value in (("root", str(ROOT)), ("vpc", vpc), ("vswitch", vswitch)):
        stack.succeed("config", "set", key, value)
    return outside


def test_existing_and_retained_resources_are_used_and_are_not_deleted(
    stack: Project, outside: Outside
) -> None:
    up(stack)
    outputs = stack.outputs()
    assert outputs["corpus"] == "their-own"
    assert outputs["copy"] == "the-copy"
    stack.succeed("preview", "--expect-no-changes")
    stack.succeed("refresh", "--yes", "--expect-no-changes")
    found = [item for item in exported(stack) if item["type"] == "alicloud:oss/bucket:Bucket"]
    locations = {item["id"]: item["outputs"]["location"] for item in found}
    assert locations["the-copy"] == "oss-cn-shanghai"
    kept = next(name for name in locations if name.startswith("p-s-artifacts"))
    stack.succeed("destroy", "--yes")
    assert outside.is_there("vpc/switch:Switch", outputs["vswitch"])
    assert outside.is_there("oss/bucket:Bucket", "their-own")
    assert outside.is_there("oss/bucketPublicAccessBlock:BucketPublicAccessBlock", kept)
    assert not outside.is_there("oss/bucket:Bucket", "the-copy")


def test_a_vpc_of_another_range_is_refused_in_the_preview(stack: Project, outside: Outside) -> None:
    stack.succeed("config", "set", "block", "10.8.0.0/16")
    done = stack.run("preview")
    assert done.returncode != 0
    assert "set customrag:cidrBlock to 10.9.0.0/16" in done.stdout + done.stderr
