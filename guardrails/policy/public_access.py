"""Rules: nothing is reachable from outside except what the configuration opens.

Owns buckets, addresses, security groups, load balancers. Facts: ALB listener policies,
https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/tls-security-policies;
block public access, https://www.alibabacloud.com/help/en/oss/user-guide/block-public-access (read
2026-11-21).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Any

from guardrails.policy.model import (
    UNKNOWN,
    Resource,
    Setting,
    companion,
    has_companion,
    is_on,
    listed,
    resource_rule,
    stack_rule,
    statements_of,
    value_at,
)

__all__ = ["RULES"]

_BUCKET = "alicloud:oss/bucket:Bucket"
_LISTENER = "alicloud:alb/listener:Listener"
_ACLS = (
    _BUCKET,
    "alicloud:oss/bucketAcl:BucketAcl",
    "alicloud:oss/bucketObject:BucketObject",
)
_DOCUMENTS = (
    _BUCKET,
    "alicloud:oss/bucketPolicy:BucketPolicy",
    "alicloud:kms/key:Key",
    "alicloud:kms/secret:Secret",
)
# A prefix shorter than this is a large part of the internet: two halves would be all of it.
_SHORTEST = {4: 8, 6: 20}
_SEARCH = "alicloud:elasticsearch/instance:Instance"
_OLD_TLS = (None, "tls_cipher_policy_1_0", "tls_cipher_policy_1_1")
# Switches that would give a service a public address. They must be set, because the cloud's default
# differs from switch to switch.
_MUST_BE_OFF = {
    _SEARCH: ("enablePublic", "enableKibanaPublicNetwork"),
    "alicloud:ecs/instance:Instance": ("allocatePublicIp",),
    "alicloud:log/store:Store": ("enableWebTracking",),
}
# Load balancers other than the chat application's.
_OTHER_BALANCERS = (
    "alicloud:slb/loadBalancer:LoadBalancer",
    "alicloud:slb/applicationLoadBalancer:ApplicationLoadBalancer",
    "alicloud:nlb/loadBalancer:LoadBalancer",
)
_NO_BANDWIDTH = (
    "alicloud:ecs/instance:Instance",
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate",
    "alicloud:ess/scalingConfiguration:ScalingConfiguration",
)
_EXPLICIT = frozenset({"enablePublic", "enableKibanaPublicNetwork"})


@resource_rule("bucket-acl-is-private", "No bucket is publicly readable or writable.", *_ACLS)
def _acl_is_private(resource: Resource, _: Setting) -> Iterator[str]:
    acl = resource.inputs.get("acl")
    # `default` means the bucket's ACL.
    if acl not in (None, UNKNOWN, "private", "default"):
        yield f"acl is {acl!r}; it must be 'private'. Share objects with signed URLs instead."


def _is_anyone(principal: Any) -> bool:
    """Return whether a principal, of OSS or of RAM, names no account."""
    names = principal.values() if isinstance(principal, dict) else [principal]
    return any(
        "*" in str(name) and not re.match(r"(acs|arn):\w+:[^:]*:\d+:", str(name))
        for value in names
        for name in listed(value)
    )


@resource_rule(
    "bucket-policy-names-principals",
    "The policy of a bucket, key or secret grants nothing to everyone.",
    *_DOCUMENTS,
)
def _policy_names_principals(resource: Resource, _: Setting) -> Iterator[str]:
    try:
        statements = statements_of(resource.inputs.get("policy"))
    except ValueError as error:
        yield f"policy is not valid: {error}."
        return
    for statement in statements:
        if str(statement.get("Effect")).lower() == "deny":
            continue
        if "NotPrincipal" in statement or _is_anyone(statement.get("Principal")):
            yield (
                f"policy allows {statement.get('Action')} to principal "
                f"{statement.get('Principal')}. Name the accounts and roles instead."
            )


def _is_wide(cidr: Any) -> bool:
    """Return whether a text is a range with a large part of the internet."""
    try:
        network = ipaddress.ip_network(str(cidr), strict=False)
    except ValueError:
        return False
    # A white list treats the unspecified address as every address.
    return network.prefixlen < _SHORTEST[network.version] or network.network_address.is_unspecified


@stack_rule("bucket-blocks-public-access", "Every bucket blocks public access.")
def _blocks_public_access(
    resources: Sequence[Resource], setting: Setting
) -> Iterator[tuple[Resource, str]]:
    blocks = [
        r
        for r in resources
        if r.type.endswith(":BucketPublicAccessBlock") and is_on(r.inputs.get("blockPublicAccess"))
    ]
    for bucket in resources:
        if setting.is_own_bucket(bucket) and not has_companion(bucket, blocks):
            yield (
                bucket,
                "The bucket has no BucketPublicAccessBlock with blockPublicAccess true, so a "
                "later ACL or policy could open it. Declare one.",
            )


@resource_rule(
    "no-public-address", "No node, search cluster, Kibana or logstore has a public address."
)
def _no_public_address(resource: Resource, _: Setting) -> Iterator[str]:
    for switch in _MUST_BE_OFF.get(resource.type, ()):
        value = resource.inputs.get(switch)
        if value is UNKNOWN or value is False or (value is None and switch not in _EXPLICIT):
            continue
        yield (f"{switch} is {value!r}; it must be false. Only the load balancer may be reachable.")
    if resource.type in _NO_BANDWIDTH:
        bandwidth = resource.inputs.get("internetMaxBandwidthOut")
        if isinstance(bandwidth, int | float) and bandwidth > 0:
            yield (
                f"internetMaxBandwidthOut is {bandwidth:g}, which gives the node a public address. "
                "Set it to 0 and use the NAT gateway."
            )
    if resource.type == "alicloud:ecs/eipAssociation:EipAssociation":
        kind = resource.inputs.get("instanceType")
        if kind not in (UNKNOWN, "Nat"):
            yield (
                f"An EIP is bound to an instance of type {kind!r}. Only a NAT gateway may have one."
            )
    if resource.type in _OTHER_BALANCERS:
        for name in ("addressType", "ipv6AddressType"):
            kind = resource.inputs.get(name)
            if str(kind).lower() == "internet":
                yield (
                    f"{name} is {kind!r}. Only the chat application's load balancer may face "
                    f"the internet."
                )
    if resource.type == "alicloud:vpc/forwardEntry:ForwardEntry":
        yield (
            f"It forwards from the internet to {resource.inputs.get('internalIp')!r} through "
            "the NAT gateway, which is for outgoing traffic only. Use a load balancer instead."
        )


@resource_rule(
    "search-lists-are-narrow",
    "The white lists of a search cluster contain no large part of the internet.",
    _SEARCH,
)
def _search_lists_are_narrow(resource: Resource, _: Setting) -> Iterator[str]:
    names = ("privateWhitelists", "publicWhitelists", "kibanaWhitelists", "kibanaPrivateWhitelists")
    for name in names:
        for entry in listed(resource.inputs.get(name)):
            if _is_wide(entry):
                yield f"{name} contains {entry}. List the stack's network or narrower ranges."


def _edge_is_on(setting: Setting) -> bool:
    return setting.config.get("edge", "none") not in ("", "none")


@resource_rule("no-open-ingress", "No security group accepts connections from the whole internet.")
def _no_open_ingress(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type == "alicloud:ecs/ecsPrefixList:EcsPrefixList" and not _edge_is_on(setting):
        for entry in listed(resource.inputs.get("entries")):
            if _is_wide(value_at(entry, "cidr")):
                yield f"The prefix list contains {value_at(entry, 'cidr')}. List narrower ranges."
    if resource.type != "alicloud:ecs/securityGroupRule:SecurityGroupRule":
        return
    inputs = resource.inputs
    if inputs.get("type") != "ingress" or inputs.get("policy") == "drop":
        return
    if _edge_is_on(setting) and inputs.get("portRange") == "443/443":
        return
    for key in ("cidrIp", "ipv6CidrIp"):
        if _is_wide(inputs.get(key)):
            yield (
                f"{key} is {inputs.get(key)} for port {inputs.get('portRange')}. Name narrower "
                "ranges, or a security group."
            )


@resource_rule(
    "access-list-is-narrow",
    "A load balancer's access list is narrow, unless the edge is in front of it.",
)
def _acl_is_narrow(resource: Resource, setting: Setting) -> Iterator[str]:
    if not resource.type.startswith("alicloud:alb/acl") or _edge_is_on(setting):
        return
    for entry in (resource.inputs, *listed(value_at(resource.inputs, "aclEntries"))):
        if _is_wide(value_at(entry, "entry")):
            yield (
                f"The access list contains {value_at(entry, 'entry')}. List narrower ranges in "
                "customrag:chatAllowedCidrBlocks, or enable the edge."
            )


@stack_rule(
    "internet-load-balancer-has-access-list",
    "Every listener of a load balancer that faces the internet has a white list.",
)
def _internet_has_acl(resources: Sequence[Resource], _: Setting) -> Iterator[tuple[Resource, str]]:
    open_balancers = [
        r
        for r in resources
        if r.type == "alicloud:alb/loadBalancer:LoadBalancer"
        and "Internet" in (r.inputs.get("addressType"), r.inputs.get("ipv6AddressType"))
    ]
    if not open_balancers:
        return
    attachments = [
        r
        for r in resources
        if r.type.endswith(":ListenerAclAttachment") and r.inputs.get("aclType") == "White"
    ]
    for listener in resources:
        if listener.type != _LISTENER:
            continue
        ids = (listener.inputs.get("id"),)
        if not any(companion(listener, r, "listenerId", ids) for r in attachments):
            yield (
                listener,
                "The load balancer faces the internet, but this listener has no white list. Set "
                "customrag:chatAllowedCidrBlocks, or set customrag:chatAddressType to Intranet.",
            )


@resource_rule("tls-is-new", "A load balancer requires TLS 1.2 or newer.", _LISTENER)
def _tls_is_new(resource: Resource, _: Setting) -> Iterator[str]:
    policy = resource.inputs.get("securityPolicyId")
    if policy in _OLD_TLS and resource.inputs.get("listenerProtocol") != "HTTP":
        yield (
            f"securityPolicyId is {policy!r}, which allows TLS 1.0 or 1.1. Use "
            "tls_cipher_policy_1_2 or a stricter policy."
        )


def _kinds(actions: Any) -> set[str]:
    kinds = {value_at(action, "type") for action in listed(actions)}
    return {str(kind) for kind in kinds if kind is not UNKNOWN}


def _redirects_everything(rule: Resource) -> bool:
    """Return whether a forwarding rule redirects every path."""
    conditions = listed(rule.inputs.get("ruleConditions"))
    paths = [value_at(condition, "pathConfig", "values") for condition in conditions]
    return _kinds(rule.inputs.get("ruleActions")) == {"Redirect"} and paths in ([["/*"]], [UNKNOWN])


@stack_rule("http-only-redirects", "A load balancer redirects every HTTP request to HTTPS.")
def _http_redirects(resources: Sequence[Resource], _: Setting) -> Iterator[tuple[Resource, str]]:
    rules = [r for r in resources if r.type == "alicloud:alb/rule:Rule"]
    for listener in resources:
        if listener.type != _LISTENER or listener.inputs.get("listenerProtocol") != "HTTP":
            continue
        kinds = _kinds(listener.inputs.get("defaultActions")) - {"Redirect"}
        ids = (listener.inputs.get("id"),)
        if kinds and not any(
            companion(listener, rule, "listenerId", ids) and _redirects_everything(rule)
            for rule in rules
        ):
            yield (
                listener,
                f"The HTTP listener does {', '.join(sorted(kinds))}. Add a rule for /* that "
                "redirects to HTTPS.",
            )


@resource_rule("search-over-https", "In the cloud, the search cluster uses HTTPS.", _SEARCH)
def _search_over_https(resource: Resource, setting: Setting) -> Iterator[str]:
    protocol = resource.inputs.get("protocol")
    if setting.is_cloud and protocol not in ("HTTPS", UNKNOWN):
        yield f"protocol is {protocol!r}. Set customrag:elasticsearchProtocol to HTTPS."


RULES = (
    _acl_is_private,
    _policy_names_principals,
    _blocks_public_access,
    _no_public_address,
    _search_lists_are_narrow,
    _no_open_ingress,
    _acl_is_narrow,
    _internet_has_acl,
    _tls_is_new,
    _http_redirects,
    _search_over_https,
)
