"""Resource types of ECS: instances and the attachment of RAM roles.

Does not own launch templates (``launch_templates``), disks (``disk_resources``) and security groups
(``localcloud.vpc``). Error codes: https://api.aliyun.com/document/Ecs/2014-05-26/RunInstances and
.../DeleteInstance (2026-11).
"""

from __future__ import annotations

from typing import Any, ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.ecs import disk_resources
from localcloud.ecs.launch_templates import LaunchTemplateHandler
from localcloud.ecs.private_addresses import check_private_ip, keep_private_ip
from localcloud.ecs.workers import instances_of
from localcloud.vpc.resources import GROUPS, VSWITCHES


class InstanceHandler(ResourceHandler):
    """``alicloud:ecs/instance:Instance``."""

    token: ClassVar[str] = "alicloud:ecs/instance:Instance"
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("userData", "status", "deletionProtection", "instanceType", "imageId", "tags"),
            *("vswitchId", "securityGroups", "availabilityZone", "roleName", "instanceName"),
            *("instanceChargeType", "internetMaxBandwidthOut", "allocatePublicIp", "privateIp"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("description", "hostName", "resourceGroupId", "keyName", "volumeTags", "dryRun"),
            *("spotStrategy", "spotPriceLimit", "spotDuration", "spotInterruptionBehavior"),
            *("systemDiskCategory", "systemDiskSize", "systemDiskEncrypted", "systemDiskName"),
            *("systemDiskKmsKeyId", "systemDiskPerformanceLevel", "systemDiskDescription"),
            *("systemDiskEncryptAlgorithm", "internetChargeType", "httpEndpoint", "httpTokens"),
            *("httpPutResponseHopLimit", "securityEnhancementStrategy", "creditSpecification"),
            *("forceDelete", "includeDataDisks", "periodUnit", "renewalStatus", "autoRenewPeriod"),
            *("stoppedMode", "maintenanceAction", "maintenanceNotify", "deploymentSetId"),
        }
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as RunInstances does: Running, but services may still be starting."""
        _check(inputs, context)
        check_private_ip(inputs, context)
        instances = instances_of(context)
        instance_id = instances.create(inputs)
        return Created(instance_id, _describe(instance_id, instances.require(instance_id)))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as DescribeInstances does."""
        document = instances_of(context).get(id)
        return None if document is None else _describe(id, document)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it, as ModifyInstanceAttribute, StartInstance and StopInstance do."""
        _check(inputs, context)
        instances = instances_of(context)
        old = instances.require(id)["inputs"]
        instances.update(id, keep_private_ip(inputs, old, id))
        return _describe(id, instances.require(id))

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it, as DeleteInstance does."""
        instances_of(context).delete(id)


class RamRoleAttachmentHandler(ResourceHandler):
    """``alicloud:ecs/ramRoleAttachment:RamRoleAttachment``."""

    token: ClassVar[str] = "alicloud:ecs/ramRoleAttachment:RamRoleAttachment"
    effective: ClassVar[frozenset[str]] = frozenset({"instanceId", "ramRoleName"})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as AttachInstanceRamRole does: one role per instance."""
        instances = instances_of(context)
        present = instances.require(inputs["instanceId"])["role"]
        if present not in (None, inputs["ramRoleName"]):
            raise CloudError(
                "InvalidOperation.AlreadyAttached",
                f"Instance {inputs['instanceId']} already has the role {present}; an instance can "
                "have only one. Detach it first.",
            )
        instances.attach_role(inputs["instanceId"], inputs["ramRoleName"])
        return Created(f"{inputs['instanceId']}:{inputs['ramRoleName']}", dict(inputs))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as DescribeInstanceRamRole does."""
        instance_id, _, role_name = id.partition(":")
        document = instances_of(context).get(instance_id)
        if document is None or document["role"] != role_name:
            return None
        return {"instanceId": instance_id, "ramRoleName": role_name}

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Return the inputs: no property can change in place."""
        return dict(inputs)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it, as DetachInstanceRamRole does."""
        if self.read(id, outputs, context) is not None:
            instances_of(context).attach_role(id.partition(":")[0], None)


HANDLERS: tuple[type[ResourceHandler], ...] = (
    InstanceHandler,
    RamRoleAttachmentHandler,
    LaunchTemplateHandler,
    *disk_resources.HANDLERS,
)


def _check(inputs: Properties, context: Context) -> None:
    kind = inputs.get("instanceType")
    if kind not in INSTANCE_TYPES:
        raise CloudError(
            "InvalidInstanceType.ValueNotSupported",
            f"instanceType is {kind!r}; it must be one of {', '.join(sorted(INSTANCE_TYPES))}.",
        )
    if not inputs.get("imageId"):
        raise CloudError("MissingParameter.ImageId", "imageId is required.")
    vswitch = context.store.table(VSWITCHES).get(inputs.get("vswitchId") or "")
    if vswitch is None:
        raise CloudError(
            "InvalidVSwitchId.NotFound", f"The vSwitch {inputs.get('vswitchId')!r} does not exist."
        )
    zone = inputs.get("availabilityZone", vswitch["zoneId"])
    if zone != vswitch["zoneId"]:
        raise CloudError(
            "InvalidVSwitchId.ZoneMismatch",
            f"availabilityZone is {zone}, but the vSwitch is in {vswitch['zoneId']}.",
        )
    for group in inputs.get("securityGroups") or ():
        if context.store.table(GROUPS).get(group) is None:
            raise CloudError(
                "InvalidSecurityGroupId.NotFound", f"The security group {group!r} does not exist."
            )
    if not inputs.get("securityGroups"):
        raise CloudError(
            "MissingParameter.SecurityGroupId", "securityGroups is empty; give at least one."
        )
    _refuse("instanceChargeType", inputs, ("PostPaid",))
    _refuse("internetMaxBandwidthOut", inputs, (0,))
    _refuse("allocatePublicIp", inputs, (False,))
    _refuse("status", inputs, ("Running", "Stopped"))


def _refuse(name: str, inputs: Properties, allowed: tuple[Any, ...]) -> None:
    if name in inputs and inputs[name] not in allowed:
        raise CloudError(
            "LocalCloud.NotSupported",
            f"{name} is {inputs[name]!r}; the local cloud supports only "
            f"{' and '.join(map(str, allowed))}, because its nodes are on this machine's loopback.",
        )


def _describe(instance_id: str, document: dict[str, Any]) -> Properties:
    inputs = document["inputs"]
    kind = INSTANCE_TYPES[inputs["instanceType"]]
    name = inputs.get("instanceName", instance_id)
    computed = {
        "status": "Stopped" if document["status"] in ("Stopped", "Stopping") else "Running",
        "privateIp": inputs.get("privateIp", document["address"]),
        "primaryIpAddress": document["address"],
        "publicIp": "",
        "cpu": kind.cpu,
        "memory": kind.memory_gib * 1024,
        "instanceName": name,
        "hostName": inputs.get("hostName", instance_id.replace("-", "")),
        "osName": "the local cloud's image: this machine",
        "osType": "linux",
        "createTime": document["created_at"],
        "startTime": document["started_at"],
        "instanceChargeType": "PostPaid",
        "internetMaxBandwidthOut": 0,
        "spotStrategy": inputs.get("spotStrategy", "NoSpot"),
        "httpEndpoint": inputs.get("httpEndpoint", "enabled"),
        "httpTokens": inputs.get("httpTokens", "optional"),
        "roleName": document["role"] or "",
        "systemDiskId": f"d-{instance_id.removeprefix('i-')}",
        "networkInterfaceId": f"eni-{instance_id.removeprefix('i-')}",
    }
    return {**inputs, **computed}
