"""Rules: nothing is to be reached from outside but what was meant to be.

Owns buckets, addresses, security groups, load balancers. Facts: ALB listener policies,
https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/tls-security-policies;
block public access, https://www.alibabacloud.com/help/en/oss/user-guide/block-public-access (read
2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from infra.policy.model import (
    UNKNOWN,
    Resource,
    Rule,
    Setting,
    companion,
    is_on,
    value_at,
)

__all__ = ["RULES"]

_BUCKET = "alicloud:oss/bucket:Bucket"
_LISTENER = "alicloud:alb/listener:Listener"
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_OLD_TLS = (None, "tls_cipher_policy_1_0", "tls_cipher_policy_1_1")
# Switches that would give a service an address of its own; the cloud's own default is not relied
# upon, as it differs from switch to switch.
_MUST_BE_OFF = {
    "alicloud:elasticsearch/instance:Instance": ("enablePublic", "enableKibanaPublicNetwork"),
    "alicloud:ecs/instance:Instance": ("allocatePublicIp",),
}
_NO_BANDWIDTH = (
    "alicloud:ecs/instance:Instance",
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate",
    "alicloud:ess/scalingConfiguration:ScalingConfiguration",
)
_EXPLICIT = frozenset({"enablePublic", "enableKibanaPublicNetwork"})


def _acl_is_private(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type not in (_BUCKET, "alicloud:oss/bucketAcl:BucketAcl"):
        return
    acl = resource.inputs.get("acl")
    if acl not in (None, UNKNOWN, "private"):
        yield f"acl is {acl!r}; it must be 'private': hand objects out by signed URLs instead"


def _is_everybody(principal: Any) -> bool:
    names = principal if isinstance(principal, list) else [principal]
    return any(isinstance(name, str) and "*" in name for name in names)


def _policy_names_principals(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type not in (_BUCKET, "alicloud:oss/bucketPolicy:BucketPolicy"):
        return
    text = resource.inputs.get("policy")
    if not isinstance(text, str) or not text:
        return
    try:
        statements = json.loads(text).get("Statement", [])
    except (ValueError, AttributeError):
        yield "policy is no JSON object; write the bucket policy as one"
        return
    for statement in statements:
        if statement.get("Effect") == "Allow" and _is_everybody(statement.get("Principal")):
            yield (
                f"policy allows {statement.get('Action')} to principal "
                f"{statement.get('Principal')}; name the accounts and roles that may do it"
            )


def _blocks_public_access(
    resources: Sequence[Resource], setting: Setting
) -> Iterator[tuple[Resource, str]]:
    blocks = [r for r in resources if r.type.endswith(":BucketPublicAccessBlock")]
    for bucket in resources:
        if bucket.type != _BUCKET or setting.brings(bucket):
            continue
        names = (bucket.inputs.get("bucket"), bucket.inputs.get("id"))
        if not any(
            companion(bucket, block, "bucket", names)
            and is_on(block.inputs.get("blockPublicAccess"))
            for block in blocks
        ):
            yield (
                bucket,
                "the bucket has no BucketPublicAccessBlock with blockPublicAccess true, so a later "
                "ACL or policy could open it; declare one",
            )


def _no_public_address(resource: Resource, _: Setting) -> Iterator[str]:
    for switch in _MUST_BE_OFF.get(resource.type, ()):
        value = resource.inputs.get(switch)
        if value is UNKNOWN or value is False or (value is None and switch not in _EXPLICIT):
            continue
        yield (
            f"{switch} is {value!r}; set it to false: the load balancer is the only way in, and "
            "only where the configuration asks for it"
        )
    if resource.type in _NO_BANDWIDTH:
        bandwidth = resource.inputs.get("internetMaxBandwidthOut")
        if isinstance(bandwidth, int | float) and bandwidth > 0:
            yield (
                f"internetMaxBandwidthOut is {bandwidth:g}, which gives the node a public address; "
                "set it to 0 and let it go out by the NAT gateway"
            )
    if resource.type == "alicloud:ecs/eipAssociation:EipAssociation":
        kind = resource.inputs.get("instanceType")
        if kind not in (UNKNOWN, "Nat"):
            yield f"an EIP is bound to an instance of type {kind!r}; only a NAT gateway has one"


def _edge_is_on(setting: Setting) -> bool:
    return setting.config.get("edge", "none") not in ("", "none")


def _no_open_ingress(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type != "alicloud:ecs/securityGroupRule:SecurityGroupRule":
        return
    inputs = resource.inputs
    if inputs.get("type") != "ingress" or inputs.get("policy") == "drop":
        return
    if _edge_is_on(setting) and inputs.get("portRange") == "443/443":
        return
    for key in ("cidrIp", "ipv6CidrIp"):
        if inputs.get(key) in _EVERYWHERE:
            yield (
                f"{key} is {inputs.get(key)} for port {inputs.get('portRange')}; name the ranges "
                "or the security group that may come in"
            )


def _acl_is_narrow(resource: Resource, setting: Setting) -> Iterator[str]:
    if not resource.type.startswith("alicloud:alb/acl") or _edge_is_on(setting):
        return
    listed = value_at(resource.inputs, "aclEntries")
    for entry in (resource.inputs, *(listed if isinstance(listed, list) else ())):
        if value_at(entry, "entry") in _EVERYWHERE:
            yield (
                f"the access list has {value_at(entry, 'entry')}; name the ranges in "
                "customrag:chatAllowedCidrBlocks, or put the edge in front"
            )


def _internet_has_acl(resources: Sequence[Resource], _: Setting) -> Iterator[tuple[Resource, str]]:
    open_balancers = [
        r
        for r in resources
        if r.type == "alicloud:alb/loadBalancer:LoadBalancer"
        and r.inputs.get("addressType") == "Internet"
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
                "the load balancer faces the internet and this listener has no white list; attach "
                "one (customrag:chatAllowedCidrBlocks), or set customrag:chatAddressType to "
                "Intranet",
            )


def _tls_is_new(resource: Resource, _: Setting) -> Iterator[str]:
    if resource.type != _LISTENER or resource.inputs.get("listenerProtocol") == "HTTP":
        return
    if resource.inputs.get("securityPolicyId") in _OLD_TLS:
        yield (
            f"securityPolicyId is {resource.inputs.get('securityPolicyId')!r}, which takes TLS 1.0 "
            "or 1.1; use tls_cipher_policy_1_2 or a stricter one"
        )


def _kinds(actions: Any) -> set[str]:
    listed = actions if isinstance(actions, list) else []
    kinds = {value_at(action, "type") for action in listed}
    return {str(kind) for kind in kinds if kind is not UNKNOWN}


def _redirects_everything(rule: Resource) -> bool:
    """Whether a forwarding rule sends every path elsewhere."""
    conditions = rule.inputs.get("ruleConditions")
    listed = conditions if isinstance(conditions, list) else []
    paths = [value_at(condition, "pathConfig", "values") for condition in listed]
    return _kinds(rule.inputs.get("ruleActions")) == {"Redirect"} and paths in ([["/*"]], [UNKNOWN])


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
                f"the HTTP listener does {', '.join(sorted(kinds))}; give it a rule for /* that "
                "redirects to HTTPS",
            )


def _search_over_https(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type != "alicloud:elasticsearch/instance:Instance" or not setting.is_cloud:
        return
    protocol = resource.inputs.get("protocol")
    if protocol not in ("HTTPS", UNKNOWN):
        yield f"protocol is {protocol!r}; set customrag:elasticsearchProtocol to HTTPS"


RULES = (
    Rule(
        name="bucket-acl-is-private",
        description="No bucket is readable or writable for everybody.",
        on_resource=_acl_is_private,
    ),
    Rule(
        name="bucket-policy-names-principals",
        description="A bucket policy allows nothing to everybody.",
        on_resource=_policy_names_principals,
    ),
    Rule(
        name="bucket-blocks-public-access",
        description="Every bucket blocks public access, whatever else is said about it.",
        on_stack=_blocks_public_access,
    ),
    Rule(
        name="no-public-address",
        description="No node, search cluster or Kibana has a public address.",
        on_resource=_no_public_address,
    ),
    Rule(
        name="no-open-ingress",
        description="No security group lets the whole internet in.",
        on_resource=_no_open_ingress,
    ),
    Rule(
        name="access-list-is-narrow",
        description="A load balancer's access list names ranges, unless the edge stands before it.",
        on_resource=_acl_is_narrow,
    ),
    Rule(
        name="internet-load-balancer-has-access-list",
        description="Every listener of a load balancer that faces the internet has a white list.",
        on_stack=_internet_has_acl,
    ),
    Rule(
        name="tls-is-new",
        description="A load balancer answers over TLS 1.2 or newer.",
        on_resource=_tls_is_new,
    ),
    Rule(
        name="http-only-redirects",
        description="What comes to a load balancer over HTTP is sent to HTTPS, whatever it is.",
        on_stack=_http_redirects,
    ),
    Rule(
        name="search-over-https",
        description="In the cloud, the search cluster is spoken to over HTTPS.",
        on_resource=_search_over_https,
    ),
)
