"""What the cases share: names, and values in place of the outputs of other components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi

from components.naming import Naming
from components.nodes import (
    Code,
    LogAgent,
    Machine,
    Placement,
)
from components.pai import (
    Pods,
)
from components.scope import Scope
from training.job_specs import JobPlan

Case = Callable[[str], pulumi.ComponentResource]
NAMING = Naming(project="customrag", stack="dev", account_id="1234567890123456")
TAGS = {"stack": "dev"}
REGION, ZONE = "cn-hangzhou", "cn-hangzhou-h"
OSS = "https://oss-cn-hangzhou-internal.aliyuncs.com"
CODE_URI = "oss://artifacts/code/0123456789ab/customrag-0123456789ab.zip"
VPC = {"vpcId": "vpc-1", "switchId": "vsw-1", "securityGroupId": "sg-1"}
LOG_AGENT = LogAgent(
    identity="customrag-dev",
    account_id="1234567890123456",
    installer_url=f"{OSS}/loongcollector.sh",
)
SCOPE = Scope(naming=NAMING, region_id=REGION, tags=TAGS)
CODE = Code(uri=CODE_URI, oss_endpoint=OSS)
PLACEMENT = Placement(zone_id=ZONE, vswitch_id="vsw-1")
PODS = Pods(workspace_id="4711", user_vpc=VPC, role_arn="acs:ram::1234567890123456:role/job")


def machine(instance_type: str, **changes: Any) -> Machine:
    return Machine(
        instance_type=instance_type,
        image_id="image",
        ram_role_name="role",
        security_group_ids=["sg-1"],
        **changes,
    )


def plan() -> JobPlan:
    return JobPlan(
        job_type="PyTorchJob",
        job_specs=[{"type": "Worker", "podCount": 1, "image": "image", "ecsSpec": "ecs.g7.large"}],
        data_sources=[{"uri": "oss://corpus/", "mountPath": "/mnt/corpus", "mountAccess": "RO"}],
        user_command="python -m training.train_embedding",
        envs={"A": "1"},
        thirdparty_libs=["datasets"],
    )
