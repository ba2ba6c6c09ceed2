"""An ECS instance that runs one service of the project, set up by cloud-init.

Owns: the instance, its data disk, the attachment of its role, and the service on it. Does not own:
network, role, code, image. A change of the service creates a new node before the old one is deleted
(`replace_on_changes`). The provider would otherwise put new user data on the old node and restart
it, but cloud-init runs its commands only once for each instance. A node with a data disk or a fixed
address is deleted first, because only one instance can have them.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ecs

from components.nodes.data_disk import DataDisk, attach_data_disk, declare_data_disk
from components.nodes.user_data import LogAgent, MountedDisk, render_user_data
from components.outputs import once
from components.scope import Scope

__all__ = [
    "SYSTEM_DISK_GIB",
    "Code",
    "Machine",
    "Placement",
    "ServiceArgs",
    "ServiceNode",
    "ServiceNodeArgs",
    "service_user_data",
]

# 20 to 2,048 GiB. The disk holds the system, the packages and one model.
SYSTEM_DISK_GIB = 40


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """The service that a node runs.

    Attributes:
        name: Short name; the systemd unit is `customrag-<name>.service`.
        module: Module that `python3 -m` runs from the code zip, e.g. `rag.serving`.
        port: TCP port that it listens on, 1,024 to 65,535.
        requirements: pip requirements. The image should have them; missing ones are installed at
            boot.
        packages: Packages of the operating system, likewise, e.g. `openjdk-17-jre-headless`.
        environment: Its settings, one line each. No secrets, because everyone who may read the
            instance's attributes can read its user data. Name KMS secrets instead.
    """

    name: str
    module: str
    port: int
    requirements: Sequence[str] = ()
    packages: Sequence[str] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Code:
    """Where a node finds the code that it runs.

    Attributes:
        uri: `oss://bucket/code/.../customrag-<hash>.zip`. Another URI creates another node.
        oss_endpoint: URL of OSS as the node reaches it.
    """

    uri: pulumi.Input[str]
    oss_endpoint: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a node is made of, and its rights; the same wherever the node is.

    Attributes:
        instance_type: ECS instance type, e.g. `ecs.gn7i-c8g1.2xlarge` (one NVIDIA A10).
        image_id: Image with Python 3.11 or newer as `python3`, and the GPU driver on GPU types.
        ram_role_name: Role whose credentials the node gets from instance metadata.
        security_group_ids: Security groups of the node, at least one.
        disk_kms_key_id: KMS key that encrypts the disks. Default: a key that ECS manages. ECS uses
            it through the service-linked role AliyunECSDiskEncryptDefaultRole.
        log_agent: Sends the node's journal to the log service. Default: the journal stays on the
            node.
    """

    instance_type: str
    image_id: str
    ram_role_name: pulumi.Input[str]
    security_group_ids: Sequence[pulumi.Input[str]]
    disk_kms_key_id: pulumi.Input[str] | None = None
    log_agent: LogAgent | None = None

    def __post_init__(self) -> None:
        if not self.security_group_ids:
            raise ValueError("security_group_ids is empty; an ECS instance needs at least one")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a node is.

    Attributes:
        zone_id: Zone of the vSwitch.
        vswitch_id: vSwitch of its network interface.
    """

    zone_id: str
    vswitch_id: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ServiceNodeArgs:
    """Arguments of `ServiceNode`.

    Attributes:
        scope: Names, region and tags of the stack.
        service: What the node runs.
        code: Where its code is.
        machine: What the node is made of.
        placement: Where it is.
        spot: Use a spot instance, at the market price up to the list price. The cloud may reclaim
            it, and the next update creates another one. Default: pay as you go.
        data_disk: Disk for the service's state that outlives the node. Default: none, and the state
            is lost with the node.
        private_ip: Address of the node, free and in the vSwitch's block. Nodes of a cluster name
            each other by it. Default: ECS chooses one.
        ready_hook: Returns a hook for the service's URL. The hook runs when a new node has all that
            it needs to start, and must wait for the service itself. Default: none.
    """

    scope: Scope
    service: ServiceArgs
    code: Code
    machine: Machine
    placement: Placement
    spot: bool = False
    data_disk: DataDisk | None = None
    private_ip: str | None = None
    ready_hook: Callable[[pulumi.Output[str]], pulumi.ResourceHook] | None = None

    def __post_init__(self) -> None:
        if self.private_ip is not None:
            try:
                ipaddress.IPv4Address(self.private_ip)
            except ValueError as error:
                raise ValueError(
                    f"private_ip is {self.private_ip!r}; it must be an IPv4 address of the vSwitch"
                ) from error


class ServiceNode(pulumi.ComponentResource):
    """A private node that runs one service.

    Attributes:
        instance_id: The ECS instance.
        private_ip: Its address in the VPC; it has no public one.
        url: `http://<private_ip>:<port>`, known once the node's role is attached.
    """

    instance_id: pulumi.Output[str]
    private_ip: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceNodeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:nodes:ServiceNode", name, None, opts)
        disk = None
        if args.data_disk:
            disk = declare_data_disk(
                name,
                args.data_disk,
                zone_id=args.placement.zone_id,
                kms_key_id=args.machine.disk_kms_key_id,
                tags=args.scope.tags,
                parent=self,
            )
        instance = _instance(name, args, disk, self)
        # The output `private_ip` only repeats a given address.
        ip = instance.primary_ip_address if args.private_ip else instance.private_ip
        address = ip.apply(lambda ip: f"http://{ip}:{args.service.port}")
        # The hook must not wait for the resource that it is bound to.
        hooks = args.ready_hook and pulumi.ResourceHookBinding(
            after_create=[args.ready_hook(address)]
        )
        attachment = attach_data_disk(name, disk, instance, self) if disk else None
        role = ecs.RamRoleAttachment(
            f"{name}-role",
            instance_id=instance.id,
            ram_role_name=args.machine.ram_role_name,
            # The hook waits for the service, which waits for its disk.
            opts=pulumi.ResourceOptions(
                parent=self, hooks=hooks, depends_on=[attachment] if attachment else None
            ),
        )
        self.instance_id = instance.id
        self.private_ip = ip
        self.url = once(address, role.id)
        self.register_outputs(
            {"instance_id": self.instance_id, "private_ip": self.private_ip, "url": self.url}
        )


def _instance(
    name: str, args: ServiceNodeArgs, disk: ecs.EcsDisk | None, parent: pulumi.Resource
) -> ecs.Instance:
    service, machine = args.service, args.machine
    replacing = ["user_data", "image_id", "instance_type"]
    return ecs.Instance(
        name,
        instance_name=name,
        description=f"customrag {service.name}: {service.module}",
        instance_type=machine.instance_type,
        instance_charge_type="PostPaid",
        spot_strategy="SpotAsPriceGo" if args.spot else "NoSpot",
        image_id=machine.image_id,
        availability_zone=args.placement.zone_id,
        vswitch_id=args.placement.vswitch_id,
        private_ip=args.private_ip,
        security_groups=list(machine.security_group_ids),
        internet_max_bandwidth_out=0,
        http_endpoint="enabled",
        http_tokens="required",
        security_enhancement_strategy="Active",
        system_disk_category="cloud_essd",
        system_disk_size=SYSTEM_DISK_GIB,
        system_disk_encrypted=True,
        system_disk_kms_key_id=machine.disk_kms_key_id,
        user_data=service_user_data(
            args.scope,
            service,
            args.code,
            machine.log_agent,
            mounted=(disk.id, args.data_disk.mount_path) if disk and args.data_disk else None,
        ),
        # The instance holds no state, and a protected one could not be replaced.
        deletion_protection=False,
        tags=dict(args.scope.tags),
        opts=pulumi.ResourceOptions(
            parent=parent,
            replace_on_changes=[*replacing, "private_ip"] if args.private_ip else replacing,
            delete_before_replace=bool(disk or args.private_ip) or None,
        ),
    )


def service_user_data(
    scope: Scope,
    service: ServiceArgs,
    code: Code,
    log_agent: LogAgent | None,
    mounted: tuple[pulumi.Input[str], str] | None = None,
) -> pulumi.Output[str]:
    """Return the user data of a node that runs `service`, in Base64.

    Args:
        scope: Names, region and tags of the stack.
        service: What the node runs.
        code: Where its code is.
        log_agent: Sends the node's journal to the log service.
        mounted: Id and mount path of the data disk. Default: no disk.
    """

    def render(values: dict[str, object]) -> str:
        environment = values["environment"]
        assert isinstance(environment, dict)  # noqa: S101  (narrows for the type checker)
        text = render_user_data(
            service_name=service.name,
            module=service.module,
            port=service.port,
            environment=environment,
            code_uri=str(values["code_uri"]),
            oss_endpoint=code.oss_endpoint,
            region_id=scope.region_id,
            requirements=service.requirements,
            packages=service.packages,
            log_agent=log_agent,
            data_disk=MountedDisk(disk_id=str(values["disk_id"]), path=mounted[1])
            if mounted
            else None,
        )
        return base64.b64encode(text.encode()).decode()

    return pulumi.Output.all(
        environment=dict(service.environment),
        code_uri=code.uri,
        disk_id=mounted[0] if mounted else "",
    ).apply(render)
