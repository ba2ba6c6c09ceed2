"""A local ECS with a network, and instances from user data."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.ecs.workers import instances_of
from tests.localcloud.running import LocalStack, running_stack, until

INSTANCE = "alicloud:ecs/instance:Instance"
ATTACHMENT = "alicloud:ecs/ramRoleAttachment:RamRoleAttachment"


@dataclass(frozen=True)
class Ecs:
    """A local ECS with one vSwitch and one security group."""

    stack: LocalStack
    vswitch_id: str
    security_group_id: str

    def inputs(self, user_data: str = "", **changes: Any) -> dict[str, Any]:
        """Return the inputs of an instance."""
        return {
            "instanceType": "ecs.g7.large",
            "imageId": "local_python",
            "vswitchId": self.vswitch_id,
            "securityGroups": [self.security_group_id],
            "userData": base64.b64encode(user_data.encode()).decode(),
            "tags": {"project": "customrag"},
            **changes,
        }

    def create(self, user_data: str = "", **changes: Any) -> str:
        """Create an instance and return its id."""
        return str(self.stack.make(INSTANCE, self.inputs(user_data, **changes)).id)

    def read(self, instance_id: str) -> dict[str, Any] | None:
        """Return the outputs of an instance."""
        found = self.stack.handler(INSTANCE).read(instance_id, {}, self.stack.context)
        return None if found is None else dict(found)

    def update(self, instance_id: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Update an instance in place."""
        handler = self.stack.handler(INSTANCE)
        return dict(handler.update(instance_id, {}, inputs, self.stack.context))

    def delete(self, instance_id: str) -> None:
        """Release an instance."""
        self.stack.handler(INSTANCE).delete(instance_id, {}, self.stack.context)

    def boot(self, instance_id: str, *states: str) -> dict[str, Any]:
        """Wait until the boot has one of these states, and return it."""
        wanted = states or ("done", "failed")

        def ended() -> Any:
            document = instances_of(self.stack.context).require(instance_id)
            return document["boot"] if document["boot"]["state"] in wanted else None

        return dict(until(ended, f"the boot of {instance_id} is {wanted}"))

    def root(self, instance_id: str) -> Path:
        """Return the folder that stands for the file system of an instance."""
        return self.stack.home / "cloud" / "ecs" / instance_id

    def log(self, instance_id: str, name: str = "cloud-init-output") -> str:
        """Return one of the logs of an instance."""
        path = self.stack.home / "logs" / "ecs" / instance_id / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def process(self, instance_id: str, service: str) -> Any:
        """Return the status of a service of an instance."""
        return self.stack.context.supervisor.status(f"ecs/{instance_id}/{service}")


@pytest.fixture
def ecs(tmp_path: Path) -> Iterator[Ecs]:
    """Yield a local ECS."""
    with running_stack(tmp_path / "home", ["vpc", "ram", "ecs"]) as stack:
        yield with_network(stack)


def with_network(stack: LocalStack) -> Ecs:
    """Create a network in a local cloud."""
    vpc = stack.make("alicloud:vpc/network:Network", {"cidrBlock": "10.0.0.0/16"}).id
    vswitch = stack.make(
        "alicloud:vpc/switch:Switch",
        {"vpcId": vpc, "cidrBlock": "10.0.0.0/24", "zoneId": stack.context.platform.zone_ids[0]},
    ).id
    group = stack.make(
        "alicloud:ecs/securityGroup:SecurityGroup", {"vpcId": vpc, "securityGroupName": "nodes"}
    ).id
    return Ecs(stack, vswitch, group)
