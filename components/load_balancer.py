"""An Application Load Balancer (ALB): HTTPS in, HTTP to the nodes of one server group behind.

Owns: the load balancer, its listeners (HTTPS, and one that sends plain HTTP there), the server
group with its health check and draining, and who may ask. Does not own: the servers, which a
scaling group puts into the server group (`components.fleet`), nor the certificate, which its owner
uploads to Certificate Management Service. API: ALB 2020-06-16,
https://www.alibabacloud.com/help/en/slb/application-load-balancer, read 2026-11-21.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import alb

from components.naming import Naming
from components.outputs import once
from stack_config.kinds import AddressType

__all__ = ["HttpsLoadBalancer", "HttpsLoadBalancerArgs"]

# TLS 1.2 and 1.3, forward secrecy only:
# https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/tls-security-policies,
# read 2026-11-21.
SECURITY_POLICY_ID = "tls_cipher_policy_1_2_strict_with_1_3"
# The most that CreateListener takes: a language model may think for a while before it answers.
REQUEST_TIMEOUT_SECONDS = 180
# CreateServerGroup: ConnectionDrainTimeout, 0 to 900.
_LONGEST_DRAIN_SECONDS = 900
_SHORTEST_DRAIN_SECONDS = 30
_EVERY_PATH = "/*"


@dataclass(frozen=True, kw_only=True)
class HttpsLoadBalancerArgs:
    """Arguments of `HttpsLoadBalancer`.

    Attributes:
        naming: Makes physical names.
        role: What it stands before, e.g. `chat`.
        vpc_id: Where it is.
        vswitch_ids: Zone id to vSwitch, two zones or more.
        certificate_id: Server certificate, as CAS calls it (CertIdentifier):
            `<number>-<region id>`.
        health_check_path: Answers with 2xx when a node may be asked.
        address_type: Default: only from inside the VPC and what is connected to it.
        allowed_cidr_blocks: Who may ask; needed with an address in the Internet. None: everybody
            who reaches it.
        drain_seconds: How long a node that goes may finish what it has been asked, 30 to 900.
        log_project: Log project of the access log; goes with `log_store`. None: no access log.
        log_store: Its logstore.
        deletion_protection: The cloud refuses to delete it. Default: it does.
        tags: Tags of every resource here.
    """

    naming: Naming
    role: str
    vpc_id: pulumi.Input[str]
    vswitch_ids: Mapping[str, pulumi.Input[str]]
    certificate_id: pulumi.Input[str]
    health_check_path: str
    address_type: AddressType = AddressType.INTRANET
    allowed_cidr_blocks: Sequence[str] = ()
    drain_seconds: int = 300
    log_project: pulumi.Input[str] | None = None
    log_store: pulumi.Input[str] | None = None
    deletion_protection: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.vswitch_ids) < 2:
            raise ValueError(
                f"vswitch_ids has the zones {sorted(self.vswitch_ids)}; ALB needs two at least"
            )
        if self.address_type is AddressType.INTERNET and not self.allowed_cidr_blocks:
            raise ValueError(
                "allowed_cidr_blocks is empty; with address_type Internet say who may ask"
            )
        for block in self.allowed_cidr_blocks:
            # https://www.alibabacloud.com/help/en/slb/application-load-balancer/network-acls, read
            # 2026-11-21: IPv4 only.
            ipaddress.IPv4Network(block)
        if not _SHORTEST_DRAIN_SECONDS <= self.drain_seconds <= _LONGEST_DRAIN_SECONDS:
            raise ValueError(
                f"drain_seconds is {self.drain_seconds}; give {_SHORTEST_DRAIN_SECONDS} to "
                f"{_LONGEST_DRAIN_SECONDS}"
            )
        if (self.log_project is None) != (self.log_store is None):
            raise ValueError("log_project and log_store go together; give both or none")


class HttpsLoadBalancer(pulumi.ComponentResource):
    """One address that speaks HTTPS, in several zones.

    Attributes:
        load_balancer_id: The load balancer.
        dns_name: Its name in DNS, for a CNAME of one's own; known once HTTPS is served there.
        server_group_id: Where a scaling group puts its instances; known once HTTPS is served
            and it is settled who may ask.
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
        # Nobody is behind it: what the rule does not send on is refused, never served in clear.
        nobody = self._server_group("nobody", f"{args.role}-nobody", checked=False)
        http = self._listener("http", balancer, nobody, listener_port=80, listener_protocol="HTTP")
        self._redirect(http)
        lists = self._let_in({"https": https, "http": http})
        self.load_balancer_id = balancer.id
        self.dns_name = once(balancer.dns_name, https.id)
        # No server is asked before it is settled who may ask.
        self.server_group_id = once(servers.id, https.id, *(item.id for item in lists))
        self.register_outputs({"dns_name": self.dns_name})

    def _balancer(self) -> alb.LoadBalancer:
        args = self._args
        return alb.LoadBalancer(
            self._name,
            load_balancer_name=args.naming.physical(args.role),
            load_balancer_edition="Standard",
            load_balancer_billing_config=alb.LoadBalancerLoadBalancerBillingConfigArgs(
                pay_type="PayAsYouGo"
            ),
            address_type=str(args.address_type),
            vpc_id=args.vpc_id,
            zone_mappings=[
                alb.LoadBalancerZoneMappingArgs(zone_id=zone_id, vswitch_id=vswitch_id)
                for zone_id, vswitch_id in args.vswitch_ids.items()
            ],
            access_log_config=(
                alb.LoadBalancerAccessLogConfigArgs(
                    log_project=args.log_project, log_store=args.log_store
                )
                if args.log_project is not None
                else None
            ),
            deletion_protection_config=alb.LoadBalancerDeletionProtectionConfigArgs(
                enabled=args.deletion_protection
            ),
            tags=dict(args.tags),
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
                # A node that starts answers late, once its dependencies have.
                health_check_timeout=10,
                healthy_threshold=2,
                unhealthy_threshold=3,
            )
        drain = alb.ServerGroupConnectionDrainConfigArgs(
            connection_drain_enabled=True, connection_drain_timeout=args.drain_seconds
        )
        return alb.ServerGroup(
            f"{self._name}-{role}",
            server_group_name=args.naming.physical(physical),
            server_group_type="Instance",
            protocol="HTTP",
            vpc_id=args.vpc_id,
            health_check_config=check,
            connection_drain_config=drain if checked else None,
            tags=dict(args.tags),
            opts=self._child,
        )

    def _listener(
        self,
        role: str,
        balancer: alb.LoadBalancer,
        group: alb.ServerGroup,
        *,
        listener_port: int,
        listener_protocol: str,
        certificates: alb.ListenerCertificatesArgs | None = None,
        security_policy_id: str | None = None,
        request_timeout: int | None = None,
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
            listener_port=listener_port,
            listener_protocol=listener_protocol,
            certificates=certificates,
            security_policy_id=security_policy_id,
            request_timeout=request_timeout,
            default_actions=[
                alb.ListenerDefaultActionArgs(type="ForwardGroup", forward_group_config=forward)
            ],
            tags=dict(self._args.tags),
            opts=self._child,
        )

    def _redirect(self, listener: alb.Listener) -> None:
        # A default action only forwards; what sends elsewhere is a rule.
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

    def _let_in(self, listeners: Mapping[str, alb.Listener]) -> list[alb.ListenerAclAttachment]:
        args = self._args
        if not args.allowed_cidr_blocks:
            return []
        acl = alb.Acl(
            f"{self._name}-allowed",
            acl_name=args.naming.physical(f"{args.role}-allowed"),
            tags=dict(args.tags),
            opts=self._child,
        )
        entries = alb.AclEntryAttachment(
            f"{self._name}-allowed-blocks",
            acl_id=acl.id,
            entries=[
                alb.AclEntryAttachmentEntryArgs(entry=block, description="customrag")
                for block in args.allowed_cidr_blocks
            ],
            opts=self._child,
        )
        return [
            alb.ListenerAclAttachment(
                f"{self._name}-{role}-allowed",
                listener_id=listener.id,
                acl_id=acl.id,
                acl_type="White",
                # A white list that is empty lets everybody in:
                # https://www.alibabacloud.com/help/doc-detail/200280.html, read 2026-11-21.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[entries]),
            )
            for role, listener in listeners.items()
        ]
