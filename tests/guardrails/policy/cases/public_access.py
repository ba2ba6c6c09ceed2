"""Cases of the rules about reachability from outside."""

from __future__ import annotations

from guardrails.policy.model import UNKNOWN
from tests.guardrails.policy.cases.support import (
    ACL,
    ACL_ENTRY,
    BALANCER,
    BLOCK,
    BUCKET,
    CLASSIC,
    DEV,
    EIP,
    EXISTING_BUCKET,
    FORWARD,
    INSTANCE,
    KEY,
    LISTENER,
    LOCAL,
    NETWORK_BALANCER,
    OBJECT,
    POLICY,
    PREFIXES,
    RULE,
    SEARCH,
    STORE,
    TEMPLATE,
    WITH_EDGE,
    Case,
    allow,
    bucket_with,
    internet,
    one,
    plain_http,
)

VIOLATING: dict[str, list[Case]] = {
    "bucket-acl-is-private": [
        Case("an object's ACL", one(OBJECT, acl="public-read")),
        Case("an ACL", one("alicloud:oss/bucketAcl:BucketAcl", acl="public-read")),
        Case("the bucket's property", one(BUCKET, acl="public-read-write")),
    ],
    "bucket-policy-names-principals": [
        Case("the bucket's property", one(BUCKET, policy=allow("oss:GetObject", Principal="*"))),
        Case(
            "a role of any account",
            one(POLICY, policy=allow("oss:A", Principal=["arn:sts::*:role/r"])),
        ),
        Case(
            "a key policy for everyone",
            one(KEY, policy=allow("kms:Decrypt", Principal={"RAM": ["*"]})),
        ),
        Case("NotPrincipal", one(POLICY, policy=allow("oss:GetObject", NotPrincipal=["1234"]))),
        Case(
            "a single statement, not in a list",
            one(POLICY, policy='{"Statement": {"Effect": "Allow", "Principal": ["*"]}}'),
        ),
        Case("a list", one(POLICY, policy="[]")),
        Case("a duplicate key", one(POLICY, policy='{"Statement": [], "Statement": []}')),
        Case("everyone may read", one(POLICY, policy=allow("oss:GetObject", Principal=["*"]))),
        Case("not valid JSON", one(POLICY, policy="{")),
    ],
    "bucket-blocks-public-access": [
        Case("no block", bucket_with()),
        Case("a disabled block", bucket_with((BLOCK, {"blockPublicAccess": False}))),
        Case(
            "another bucket's block",
            [
                *one(BUCKET, bucket="b"),
                *one(BLOCK, bucket="other", blockPublicAccess=True),
            ],
        ),
    ],
    "no-public-address": [
        Case("a port of the NAT gateway", one(FORWARD, internalIp="10.0.0.1")),
        Case("a classic load balancer", one(CLASSIC, addressType="internet")),
        Case("a network load balancer", one(NETWORK_BALANCER, addressType="Internet")),
        Case("a public IPv6 side", one(NETWORK_BALANCER, ipv6AddressType="Internet")),
        Case("logs that anyone may write", one(STORE, enableWebTracking=True)),
        Case("a node with bandwidth", one(INSTANCE, internetMaxBandwidthOut=5)),
        Case("a template with bandwidth", one(TEMPLATE, internetMaxBandwidthOut=1.0)),
        Case("a public cluster", one(SEARCH, enablePublic=True, enableKibanaPublicNetwork=False)),
        Case("Kibana by default", one(SEARCH, enablePublic=False)),
        Case("an EIP on a node", one(EIP, instanceType="EcsInstance")),
    ],
    "no-open-ingress": [
        Case(
            "half of the internet",
            one(RULE, type="ingress", cidrIp="128.0.0.0/1", portRange="22/22"),
        ),
        Case("a prefix list", one(PREFIXES, entries=[{"cidr": "0.0.0.0/0"}])),
        Case("SSH for all", one(RULE, type="ingress", cidrIp="0.0.0.0/0", portRange="22/22")),
        Case("IPv6", one(RULE, type="ingress", ipv6CidrIp="::/0", portRange="443/443")),
        Case(
            "a port other than the edge's",
            one(RULE, type="ingress", cidrIp="0.0.0.0/0", portRange="8080/8080"),
            WITH_EDGE,
        ),
    ],
    "access-list-is-narrow": [
        Case("an open entry", one(ACL_ENTRY, entry="0.0.0.0/0")),
        Case("half of the internet", one(ACL_ENTRY, entry="0.0.0.0/1")),
        Case("an entry in the list", one(ACL, aclEntries=[{"entry": "::/0"}])),
    ],
    "search-lists-are-narrow": [
        Case("the public list", one(SEARCH, publicWhitelists=["10.0.0.0/8", "0.0.0.0/0"])),
        Case("the Kibana list", one(SEARCH, kibanaWhitelists=["::/0"])),
        Case("the private list", one(SEARCH, privateWhitelists=["0.0.0.0"])),
    ],
    "internet-load-balancer-has-access-list": [
        Case("no list", internet(white=False)),
        Case("a public IPv6 side only", internet(white=False, side="ipv6AddressType")),
    ],
    "http-only-redirects": [
        Case("forwards", plain_http()),
        Case("redirects some paths only", plain_http(paths=["/old/*"])),
        Case("answers itself", plain_http(action="FixedResponse")),
    ],
    "tls-is-new": [
        Case("the default policy", one(LISTENER, listenerProtocol="HTTPS")),
        Case(
            "TLS 1.1",
            one(LISTENER, listenerProtocol="HTTPS", securityPolicyId="tls_cipher_policy_1_1"),
        ),
    ],
    "search-over-https": [Case("HTTP", one(SEARCH, protocol="HTTP"), DEV)],
}

PASSING: dict[str, list[Case]] = {
    "bucket-acl-is-private": [
        Case("an object with its bucket's ACL", one(OBJECT, acl="default")),
        Case("private", one("alicloud:oss/bucketAcl:BucketAcl", acl="private")),
    ],
    "bucket-policy-names-principals": [
        Case(
            "every session of one role",
            one(POLICY, policy=allow("oss:A", Principal=["arn:sts::1234:assumed-role/r/*"])),
        ),
        Case(
            "a key policy for its account",
            one(KEY, policy=allow("kms:A", Principal={"RAM": ["acs:ram::1:*"]})),
        ),
        Case(
            "everyone is denied",
            one(POLICY, policy=allow("oss:A", Effect="Deny", Principal=["*"])),
        ),
        Case("an account", one(POLICY, policy=allow("oss:GetObject", Principal=["1234"]))),
        Case("unknown yet", one(POLICY, policy=UNKNOWN)),
    ],
    "bucket-blocks-public-access": [
        Case("a block", bucket_with((BLOCK, {"blockPublicAccess": True}))),
        Case("an existing bucket", one(BUCKET, bucket="theirs"), EXISTING_BUCKET),
    ],
    "no-public-address": [
        Case("an internal load balancer", one(NETWORK_BALANCER, addressType="Intranet")),
        Case("a private node", one(INSTANCE, internetMaxBandwidthOut=0)),
        Case("a private cluster", one(SEARCH, enablePublic=False, enableKibanaPublicNetwork=False)),
        Case("an EIP of the NAT gateway", one(EIP, instanceType="Nat")),
    ],
    "no-open-ingress": [
        Case("the VPC", one(RULE, type="ingress", cidrIp="10.0.0.0/8", portRange="80/80")),
        Case("outgoing traffic", one(RULE, type="egress", cidrIp="0.0.0.0/0", portRange="1/65535")),
        Case(
            "the edge's port",
            one(RULE, type="ingress", cidrIp="0.0.0.0/0", portRange="443/443"),
            WITH_EDGE,
        ),
    ],
    "access-list-is-narrow": [
        Case("an office", one(ACL_ENTRY, entry="203.0.113.0/24")),
        Case("behind the edge", one(ACL_ENTRY, entry="0.0.0.0/0"), WITH_EDGE),
    ],
    "search-lists-are-narrow": [
        Case("the network", one(SEARCH, privateWhitelists=["10.20.0.0/16"])),
        Case("unknown yet", one(SEARCH, privateWhitelists=[UNKNOWN])),
    ],
    "internet-load-balancer-has-access-list": [
        Case("a white list", internet(white=True)),
        Case("an internal load balancer", [*one(BALANCER, addressType="Intranet"), *one(LISTENER)]),
    ],
    "http-only-redirects": [
        Case("a rule for every path", plain_http(paths=["/*"])),
        Case(
            "by default",
            one(LISTENER, listenerProtocol="HTTP", defaultActions=[{"type": "Redirect"}]),
        ),
        Case("no HTTP", one(LISTENER, listenerProtocol="HTTPS")),
    ],
    "tls-is-new": [
        Case(
            "TLS 1.2",
            one(LISTENER, listenerProtocol="HTTPS", securityPolicyId="tls_cipher_policy_1_2"),
        ),
    ],
    "search-over-https": [
        Case("HTTPS", one(SEARCH, protocol="HTTPS")),
        Case("a local stack", one(SEARCH, protocol="HTTP"), LOCAL),
    ],
}
