"""An Application Load Balancer (ALB): HTTPS in, HTTP to the nodes of one server group behind.

Owns: the load balancer, its listeners (HTTPS, and one that redirects plain HTTP), the server group
with its health check and draining, and the list of clients. Does not own: the servers, which a
scaling group adds to the server group (`components.fleet`), or the certificate, which its owner
uploads to Certificate Management Service. API: ALB 2020-06-16,
https://www.alibabacloud.com/help/en/slb/application-load-balancer, read 2026-11-21.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_alicloud import alb

from components.outputs import once
from components.scope import Scope
from stack_config.kinds import AddressType

__all__ = [
    "DRAIN_SECONDS",
    "Access",
    "AccessLog",
    "HttpsLoadBalancer",
    "HttpsLoadBalancerArgs",
    "Zones",
]

# TLS 1.2 and 1.3, forward secrecy only:
# https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/tls-security-policies,
# read 2026-11-21.
SECURITY_POLICY_ID = "tls_cipher_policy_1_2_strict_with_1_3"
# The maximum of CreateListener. A language model may take long before it answers.
REQUEST_TIMEOUT_SECONDS = 180
# How long a leaving node may finish its requests. CreateServerGroup, ConnectionDrainTimeout: 0 to
# 900.
DRAIN_SECONDS = 300
_EVERY_PATH = "/*"


@dataclass(frozen=True, kw_only=True)
class Zones:
    """The vSwitches that a load balancer and its scaling group span.

    Attributes:
        vpc_id: The VPC.
        vswitch_ids: Zone id to vSwitch, one for each zone.
    """

    vpc_id: pulumi.Input[str]
    vswitch_ids: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Access:
    """Clients that may connect to a load balancer.

    Attributes:
        address_type: Default: only the VPC and networks that are connected to it.
        allowed_cidr_blocks: CIDR blocks that may connect; required with an address in the internet.
            Empty: every client that reaches the address.
    """

    address_type: AddressType = AddressType.INTRANET
    allowed_cidr_blocks: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.address_type is AddressType.INTERNET and not self.allowed_cidr_blocks:
            raise ValueError(
                "allowed_cidr_blocks is empty; with address_type Internet, list the CIDR blocks "
                "that may connect"
            )
        for block in self.allowed_cidr_blocks:
            # https://www.alibabacloud.com/help/en/slb/application-load-balancer/network-acls, read
            # 2026-11-21: IPv4 only.
            ipaddress.IPv4Network(block)


@dataclass(frozen=True, kw_only=True)
class AccessLog:
    """The logstore that receives a load balancer's access log.

    Attributes:
        project: Log project.
        store: Its logstore.
    """

    project: pulumi.Input[str]
    store: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class HttpsLoadBalancerArgs:
    """Arguments of `HttpsLoadBalancer`.

    Attributes:
        scope: Names, region and tags of the stack.
        role: The service behind it, e.g. `chat`.
        zones: VPC and vSwitches, in at least two zones.
        certificate_id: Server certificate, as CAS names it (CertIdentifier):
            `<number>-<region id>`.
        health_check_path: Path that answers 2xx if a node is ready.
        access: Clients that may connect.
        access_log: Receives the access log. Default: there is no access log.
        deletion_protection: Pulumi and the cloud refuse to delete it. Default: they do.
    """

    scope: Scope
    role: str
    zones: Zones
    certificate_id: pulumi.Input[str]
    health_check_path: str
    access: Access = field(default_factory=Access)
    access_log: AccessLog | None = None
    deletion_protection: bool = True

    def __post_init__(self) -> None:
        if len(self.zones.vswitch_ids) < 2:
            raise ValueError(
                f"zones.vswitch_ids has {sorted(self.zones.vswitch_ids)}; ALB needs at least two "
                "zones"
            )


class HttpsLoadBalancer(pulumi.ComponentResource):
    """One HTTPS address in several zones.

    Attributes:
        load_balancer_id: The load balancer.
        dns_name: Its DNS name, the target for a CNAME; known once the HTTPS listener exists.
        server_group_id: The group that a scaling group adds its instances to; known once the HTTPS
            listener and the access lists exist.
    """

    load_balancer_id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    server_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: HttpsLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:network:HttpsLoadBalancer", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        balancer = self._balancer()
        servers = self._server_group("servers", args.role, checked=True)
        https = self._listener(
            "https",
            balancer,
            servers,
            listener_port=443,
            listener_protocol="HTTPS",
            certificates=alb.ListenerCertificatesArgs(certificate_id=args.certificate_id),
            security_policy_id=SECURITY_POLICY_ID,
            request_timeout=REQUEST_TIMEOUT_SECONDS,
        )
        # The default action of the HTTP listener points to an empty group: a request without a
        # matching rule fails instead of being served without encryption.
        empty = self._server_group("empty", f"{args.role}-empty", checked=False)
        http = self._listener("http", balancer, empty, listener_port=80, listener_protocol="HTTP")
        self._redirect(http)
        lists = self._access_lists({"https": https, "http": http})
        self.load_balancer_id = balancer.id
        self.dns_name = once(balancer.dns_name, https.id)
        # No server gets a request before the access lists exist.
        self.server_group_id = once(servers.id, https.id, *(item.id for item in lists))
        self.register_outputs({"dns_name": self.dns_name})

    def _balancer(self) -> alb.LoadBalancer:
        args = self._args
        return alb.LoadBalancer(
            self._name,
            load_balancer_name=args.scope.naming.physical(args.role),
            load_balancer_edition="Standard",
            load_balancer_billing_config=alb.LoadBalancerLoadBalancerBillingConfigArgs(
                pay_type="PayAsYouGo"
            ),
            address_type=str(args.access.address_type),
            vpc_id=args.zones.vpc_id,
            zone_mappings=[
                alb.LoadBalancerZoneMappingArgs(zone_id=zone_id, vswitch_id=vswitch_id)
                for zone_id, vswitch_id in args.zones.vswitch_ids.items()
            ],
            access_log_config=(
                alb.LoadBalancerAccessLogConfigArgs(
                    log_project=args.access_log.project, log_store=args.access_log.store
                )
                if args.access_log is not None
                else None
            ),
            deletion_protection_config=alb.LoadBalancerDeletionProtectionConfigArgs(
                enabled=args.deletion_protection
            ),
            tags=dict(args.scope.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )

    def _server_group(self, role: str, physical: str, *, checked: bool) -> alb.ServerGroup:
        args = self._args
        check = alb.ServerGroupHealthCheckConfigArgs(health_check_enabled=False)
        if checked:
            check = alb.ServerGroupHealthCheckConfigArgs(
                health_check_enabled=True,
                health_check_protocol="HTTP",
                health_check_method="GET",
                health_check_path=args.health_check_path,
                health_check_codes=["http_2xx"],
                health_check_interval=2,
                # A starting node answers late, after its dependencies.
                health_check_timeout=10,
                healthy_threshold=2,
                unhealthy_threshold=3,
            )
        drain = alb.ServerGroupConnectionDrainConfigArgs(
            connection_drain_enabled=True, connection_drain_timeout=DRAIN_SECONDS
        )
        return alb.ServerGroup(
            f"{self._name}-{role}",
            server_group_name=args.scope.naming.physical(physical),
            server_group_type="Instance",
            protocol="HTTP",
            vpc_id=args.zones.vpc_id,
            health_check_config=check,
            connection_drain_config=drain if checked else None,
            tags=dict(args.scope.tags),
            opts=self._child,
        )

    def _listener(
        self,
        role: str,
        balancer: alb.LoadBalancer,
        group: alb.ServerGroup,
        **settings: Any,
    ) -> alb.Listener:
        forward = alb.ListenerDefaultActionForwardGroupConfigArgs(
            server_group_tuples=[
                alb.ListenerDefaultActionForwardGroupConfigServerGroupTupleArgs(
                    server_group_id=group.id
                )
            ]
        )
        return alb.Listener(
            f"{self._name}-{role}",
            load_balancer_id=balancer.id,
            listener_description=f"customrag {self._args.role} {role}",
            default_actions=[
                alb.ListenerDefaultActionArgs(type="ForwardGroup", forward_group_config=forward)
            ],
            tags=dict(self._args.scope.tags),
            opts=self._child,
            **settings,
        )

    def _redirect(self, listener: alb.Listener) -> None:
        # A default action can only forward. A redirect needs a rule.
        alb.Rule(
            f"{self._name}-to-https",
            listener_id=listener.id,
            rule_name=f"{self._args.role}-to-https",
            priority=1,
            rule_conditions=[
                alb.RuleRuleConditionArgs(
                    type="Path",
                    path_config=alb.RuleRuleConditionPathConfigArgs(values=[_EVERY_PATH]),
                )
            ],
            rule_actions=[
                alb.RuleRuleActionArgs(
                    type="Redirect",
                    order=1,
                    redirect_config=alb.RuleRuleActionRedirectConfigArgs(
                        protocol="HTTPS", port="443", http_code="308"
                    ),
                )
            ],
            opts=self._child,
        )

    def _access_lists(
        self, listeners: Mapping[str, alb.Listener]
    ) -> list[alb.ListenerAclAttachment]:
        args = self._args
        if not args.access.allowed_cidr_blocks:
            return []
        acl = alb.Acl(
            f"{self._name}-allowed",
            acl_name=args.scope.naming.physical(f"{args.role}-allowed"),
            tags=dict(args.scope.tags),
            opts=self._child,
        )
        entries = alb.AclEntryAttachment(
            f"{self._name}-allowed-blocks",
            acl_id=acl.id,
            entries=[
                alb.AclEntryAttachmentEntryArgs(entry=block, description="customrag")
                for block in args.access.allowed_cidr_blocks
            ],
            opts=self._child,
        )
        return [
            alb.ListenerAclAttachment(
                f"{self._name}-{role}-allowed",
                listener_id=listener.id,
                acl_id=acl.id,
                acl_type="White",
                # An empty white list allows every client:
                # https://www.alibabacloud.com/help/doc-detail/200280.html, read 2026-11-21.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[entries]),
            )
            for role, listener in listeners.items()
        ]
