"""An ECS instance that runs one service of the project, put there by cloud-init.

Owns: the instance, its role's attachment, what it runs. Does not own: network, role, code, image.
A change of what runs makes a new node before the old one goes (`replace_on_changes`): the provider
would otherwise put new user data on the old node and restart it, and cloud-init runs its commands
only once per instance.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ecs

from components.nodes.user_data import LogAgent, region_of_zone, render_user_data
from components.outputs import once

__all__ = ["ServiceArgs", "ServiceNode", "ServiceNodeArgs", "service_user_data"]


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """What a node runs.

    Attributes:
        name: Short name; the systemd unit is `customrag-<name>.service`.
        module: What `python3 -m` runs from the code zip, e.g. `rag.serving`.
        port: TCP port it listens on, 1,024 to 65,535.
        environment: Its settings, one line each. No secrets: whoever may read the instance's
            attributes reads its user data. Name KMS secrets instead.
    """

    name: str
    module: str
    port: int
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ServiceNodeArgs:
    """Arguments of `ServiceNode`.

    Attributes:
        service: What it runs.
        instance_type: ECS instance type, e.g. `ecs.gn7i-c8g1.2xlarge` (one NVIDIA A10).
        image_id: Image with Python 3.11 or newer, and the GPU driver on GPU types.
        vswitch_id: Where its network interface is.
        security_group_ids: Who may reach it.
        ram_role_name: The role whose credentials it gets from instance metadata.
        zone_id: Zone of the vSwitch.
        code_uri: `oss://bucket/code/.../customrag-<hash>.zip`; what changes there is a new node.
        oss_endpoint: URL of OSS as the node sees it.
        region_id: Region of the code's bucket; the zone's region when None.
        requirements: pip requirements the image must have; what it lacks is installed at boot.
        instance_name: Physical name; the logical name when None.
        system_disk_size_gib: 20 to 2,048 GiB. Encrypted, deleted with the node.
        system_disk_kms_key_id: Encrypt the disk with this KMS key; by default with a key that ECS
            manages. ECS uses it by the service-linked role AliyunECSDiskEncryptDefaultRole.
        system_disk_category: `cloud_essd` unless the type wants another.
        spot_strategy: `NoSpot`, `SpotAsPriceGo` or `SpotWithPriceLimit`.
        log_agent: Sends the node's journal to the log service. None: it stays on the node.
        ready_hook: Makes a hook, given the service's URL, that runs after a new node has all it
            needs to start; it has to wait for the service itself. Default: none.
        tags: Tags of the instance.
        deletion_protection: Refuses release by the API. False: the node holds no state, and a
            protected one could not be replaced.
    """

    service: ServiceArgs
    instance_type: pulumi.Input[str]
    image_id: pulumi.Input[str]
    vswitch_id: pulumi.Input[str]
    security_group_ids: Sequence[pulumi.Input[str]]
    ram_role_name: pulumi.Input[str]
    zone_id: str
    code_uri: pulumi.Input[str]
    oss_endpoint: pulumi.Input[str]
    region_id: str | None = None
    requirements: Sequence[str] = ()
    instance_name: str | None = None
    system_disk_size_gib: int = 40
    system_disk_kms_key_id: pulumi.Input[str] | None = None
    system_disk_category: str = "cloud_essd"
    spot_strategy: str = "NoSpot"
    log_agent: LogAgent | None = None
    ready_hook: Callable[[pulumi.Output[str]], pulumi.ResourceHook] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deletion_protection: bool = False

    def __post_init__(self) -> None:
        if not 20 <= self.system_disk_size_gib <= 2048:
            raise ValueError(
                f"system_disk_size_gib is {self.system_disk_size_gib}; ECS takes 20 to 2048"
            )
        allowed = ("NoSpot", "SpotAsPriceGo", "SpotWithPriceLimit")
        if self.spot_strategy not in allowed:
            raise ValueError(
                f"spot_strategy is {self.spot_strategy!r}; allowed are {', '.join(allowed)}"
            )
        if not self.security_group_ids:
            raise ValueError("security_group_ids is empty; an instance needs one at least")
        if self.region_id is None:
            region_of_zone(self.zone_id)


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
        instance = ecs.Instance(
            name,
            instance_name=args.instance_name or name,
            description=f"customrag {args.service.name}: {args.service.module}",
            instance_type=args.instance_type,
            instance_charge_type="PostPaid",
            spot_strategy=args.spot_strategy,
            image_id=args.image_id,
            availability_zone=args.zone_id,
            vswitch_id=args.vswitch_id,
            security_groups=list(args.security_group_ids),
            internet_max_bandwidth_out=0,
            http_endpoint="enabled",
            http_tokens="required",
            security_enhancement_strategy="Active",
            system_disk_category=args.system_disk_category,
            system_disk_size=args.system_disk_size_gib,
            system_disk_encrypted=True,
            system_disk_kms_key_id=args.system_disk_kms_key_id,
            user_data=service_user_data(
                args.service,
                code_uri=args.code_uri,
                oss_endpoint=args.oss_endpoint,
                region_id=args.region_id or region_of_zone(args.zone_id),
                requirements=args.requirements,
                log_agent=args.log_agent,
            ),
            deletion_protection=args.deletion_protection,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(
                parent=self, replace_on_changes=["user_data", "image_id", "instance_type"]
            ),
        )
        address = instance.private_ip.apply(lambda ip: f"http://{ip}:{args.service.port}")
        # The hook waits for an address that does not wait for the resource it is bound to.
        hooks = args.ready_hook and pulumi.ResourceHookBinding(
            after_create=[args.ready_hook(address)]
        )
        role = ecs.RamRoleAttachment(
            f"{name}-role",
            instance_id=instance.id,
            ram_role_name=args.ram_role_name,
            opts=pulumi.ResourceOptions(parent=self, hooks=hooks),
        )
        self.instance_id = instance.id
        self.private_ip = instance.private_ip
        self.url = once(address, role.id)
        self.register_outputs(
            {"instance_id": self.instance_id, "private_ip": self.private_ip, "url": self.url}
        )


def service_user_data(
    service: ServiceArgs,
    *,
    code_uri: pulumi.Input[str],
    oss_endpoint: pulumi.Input[str],
    region_id: str,
    requirements: Sequence[str] = (),
    log_agent: LogAgent | None = None,
) -> pulumi.Output[str]:
    """The user data of a node that runs `service`, in Base64; arguments as of `ServiceNodeArgs`."""

    def render(values: dict[str, object]) -> str:
        environment = values["environment"]
        assert isinstance(environment, dict)  # noqa: S101  (narrows for the type checker)
        text = render_user_data(
            service_name=service.name,
            module=service.module,
            port=service.port,
            environment=environment,
            code_uri=str(values["code_uri"]),
            oss_endpoint=str(values["oss_endpoint"]),
            region_id=region_id,
            requirements=requirements,
            log_agent=log_agent,
        )
        return base64.b64encode(text.encode()).decode()

    return pulumi.Output.all(
        environment=dict(service.environment),
        code_uri=code_uri,
        oss_endpoint=oss_endpoint,
    ).apply(render)
