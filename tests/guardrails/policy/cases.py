"""A violating and a passing case for every rule of the policy pack."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from guardrails.policy.model import STACK_TYPE, UNKNOWN, Resource, Setting
from guardrails.policy.tagging import REQUIRED_TAGS

DEV = Setting(environment="dev")
PROD = Setting(environment="prod")
PR = Setting(environment="pr")
WITH_EDGE = Setting(environment="prod", config={"edge": "cloudflare"})
EXISTING_BUCKET = Setting(environment="dev", config={"existingCorpusBucket": "theirs"})
LOCAL = Setting(environment="local", config={"platform": "local"})
TAGS = dict.fromkeys(REQUIRED_TAGS, "x")

BUCKET = "alicloud:oss/bucket:Bucket"
BLOCK = "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption"
POLICY = "alicloud:oss/bucketPolicy:BucketPolicy"
OBJECT = "alicloud:oss/bucketObject:BucketObject"
INSTANCE = "alicloud:ecs/instance:Instance"
SCALING = "alicloud:ess/scalingConfiguration:ScalingConfiguration"
DISK = "alicloud:ecs/ecsDisk:EcsDisk"
PREFIXES = "alicloud:ecs/ecsPrefixList:EcsPrefixList"
FORWARD = "alicloud:vpc/forwardEntry:ForwardEntry"
NAT = "alicloud:vpc/natGateway:NatGateway"
ADDRESS = "alicloud:ecs/eipAddress:EipAddress"
CLASSIC = "alicloud:slb/applicationLoadBalancer:ApplicationLoadBalancer"
NETWORK_BALANCER = "alicloud:nlb/loadBalancer:LoadBalancer"
STORE = "alicloud:log/store:Store"
ACL = "alicloud:alb/acl:Acl"
ROLE_POLICY = "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"
GROUP_POLICY = "alicloud:ram/groupPolicyAttachment:GroupPolicyAttachment"
TEMPLATE = "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"
SEARCH = "alicloud:elasticsearch/instance:Instance"
RULE = "alicloud:ecs/securityGroupRule:SecurityGroupRule"
EIP = "alicloud:ecs/eipAssociation:EipAssociation"
BALANCER = "alicloud:alb/loadBalancer:LoadBalancer"
LISTENER = "alicloud:alb/listener:Listener"
ACL_ENTRY = "alicloud:alb/aclEntryAttachment:AclEntryAttachment"
ATTACHMENT = "alicloud:alb/listenerAclAttachment:ListenerAclAttachment"
GROUP = "alicloud:ess/scalingGroup:ScalingGroup"
KEY = "alicloud:kms/key:Key"
SECRET = "alicloud:kms/secret:Secret"
RAM_POLICY = "alicloud:ram/policy:Policy"
ROLE = "alicloud:ram/role:Role"
PROVIDER = "pulumi:providers:alicloud"
JOB = "customrag:pai:DlcJob"


@dataclass(frozen=True)
class Case:
    """Resources of a stack that one rule must reject or accept."""

    name: str
    resources: list[Resource]
    setting: Setting = field(default=DEV)


def one(type_: str, *, protect: bool = False, **inputs: Any) -> list[Resource]:
    return [Resource(type=type_, name="it", inputs=inputs, protect=protect)]


def bucket_with(*others: tuple[str, dict[str, Any]]) -> list[Resource]:
    """Return a bucket with siblings that refer to it by an unknown value."""
    return [
        Resource(type=BUCKET, name="it", inputs={"bucket": "b"}, parent="p"),
        *(
            Resource(type=type_, name="other", inputs={"bucket": UNKNOWN, **inputs}, parent="p")
            for type_, inputs in others
        ),
    ]


def allow(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": [action], "Resource": ["acs:oss:*:*:b"], **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


def trust(principal: Any, condition: dict[str, Any] | None = None) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": principal,
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "1", "Statement": [statement]})


FEDERATED = {"Federated": ["acs:ram::1234567890123456:oidc-provider/github"]}
ISSUER = {"oidc:iss": "https://token.actions.githubusercontent.com", "oidc:aud": "customrag"}


def internet(*, white: bool, side: str = "addressType") -> list[Resource]:
    listener = Resource(type=LISTENER, name="https", inputs={}, urn="urn:l", parent="p")
    listed = Resource(
        type=ATTACHMENT,
        name="white",
        inputs={"listenerId": UNKNOWN, "aclType": "White"},
        references={"listenerId": ["urn:l"]},
    )
    balancer = Resource(type=BALANCER, name="alb", inputs={side: "Internet"})
    return [balancer, listener, *([listed] if white else [])]


def plain_http(paths: list[str] | None = None, action: str = "Redirect") -> list[Resource]:
    """Return a listener, whose default action must forward, and its rule."""
    listener = Resource(
        type=LISTENER,
        name="http",
        inputs={"listenerProtocol": "HTTP", "defaultActions": [{"type": "ForwardGroup"}]},
        parent="p",
    )
    rule = Resource(
        type="alicloud:alb/rule:Rule",
        name="rule",
        inputs={
            "listenerId": UNKNOWN,
            "ruleActions": [{"type": action, "order": 1}],
            "ruleConditions": [{"type": "Path", "pathConfig": {"values": paths or ["/*"]}}],
        },
        parent="p",
    )
    return [listener, rule] if paths or action != "Redirect" else [listener]


def job(**inputs: Any) -> list[Resource]:
    return one(JOB, **inputs)


def pod(**spec: Any) -> list[dict[str, Any]]:
    return [{"type": "Worker", "podCount": 1, "ecsSpec": "ecs.gn7i-c8g1.2xlarge", **spec}]


def user_data(model: str) -> str:
    return base64.b64encode(f"Environment=CUSTOMRAG_LLM_MODEL={model}\n".encode()).decode()


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
    "bucket-is-encrypted": [Case("no rule", bucket_with())],
    "disk-is-encrypted": [
        Case("a separate disk", one(DISK, size=20)),
        Case("a scaling configuration's", one(SCALING, systemDiskEncrypted=False)),
        Case(
            "a template's data disk",
            one(TEMPLATE, systemDisk={"encrypted": True}, dataDisks=[{"encrypted": False}]),
        ),
        Case("warm nodes", one(SEARCH, warmNodeConfiguration={"amount": 2})),
        Case("a node's system disk", one(INSTANCE)),
        Case(
            "a node's data disk",
            one(INSTANCE, systemDiskEncrypted=True, dataDisks=[{"size": 20}]),
        ),
        Case("a template's disk", one(TEMPLATE, systemDisk={"encrypted": False})),
        Case("a search node's disk", one(SEARCH, dataNodeConfiguration={"spec": "s"})),
    ],
    "own-key-in-prod": [
        Case(
            "a data disk",
            one(INSTANCE, systemDiskKmsKeyId="k", dataDisks=[{"encrypted": True}]),
            PROD,
        ),
        Case("a template", one(TEMPLATE, systemDisk={"encrypted": True}), PROD),
        Case("logs", one(STORE, encryptConf={"enable": True}), PROD),
        Case("OSS's keys", one(ENCRYPTION, sseAlgorithm="AES256"), PROD),
        Case("the cloud's KMS key", one(ENCRYPTION, sseAlgorithm="KMS"), PROD),
        Case("a disk", one(INSTANCE), PROD),
        Case("a secret", one(SECRET), PROD),
        Case("an unknown environment", one(SECRET), Setting(environment="staging")),
    ],
    "key-rotates-in-prod": [Case("never", one(KEY, automaticRotation="Disabled"), PROD)],
    "metadata-needs-token": [
        Case("a node", one(INSTANCE, httpTokens="optional")),
        Case("a template by default", one(TEMPLATE)),
    ],
    "no-wildcard-action": [
        Case("in the deprecated property", one(RAM_POLICY, document=allow("oss:*"))),
        Case(
            "in both properties",
            one(RAM_POLICY, policyDocument=allow("oss:GetObject"), document=allow("*")),
        ),
        Case(
            "as statements",
            one(RAM_POLICY, statements=[{"effect": "Allow", "actions": ["*"], "resources": ["b"]}]),
        ),
        Case("a question mark", one(RAM_POLICY, policyDocument=allow("oss:GetObjec?"))),
        Case(
            "a single statement, not in a list",
            one(RAM_POLICY, policyDocument='{"Statement": {"Effect": "allow", "Action": "*"}}'),
        ),
        Case(
            "NotResource",
            one(RAM_POLICY, policyDocument=allow("oss:GetObject", NotResource=["b"])),
        ),
        Case("not valid JSON", one(RAM_POLICY, policyDocument="{")),
        Case("everything", one(RAM_POLICY, policyDocument=allow("*"))),
        Case("all of a service", one(RAM_POLICY, policyDocument=allow("oss:*"))),
        Case("all reads", one(RAM_POLICY, policyDocument=allow("oss:Get*"))),
        Case("NotAction", one(RAM_POLICY, policyDocument=allow("oss:A", NotAction=["oss:B"]))),
    ],
    "no-wildcard-resource": [
        Case("every bucket", one(RAM_POLICY, policyDocument=allow("oss:GetObject", Resource="*"))),
        Case(
            "as a full ARN",
            one(RAM_POLICY, policyDocument=allow("kms:Decrypt", Resource=["acs:kms:*:*:*"])),
        ),
        Case(
            "any role",
            one(RAM_POLICY, policyDocument=allow("sts:AssumeRole", Resource=["b", "*"])),
        ),
    ],
    "no-system-policy": [
        Case(
            "attached to a role",
            one(ROLE_POLICY, policyType="System", policyName="AdministratorAccess"),
        ),
        Case(
            "attached to a group",
            one(GROUP_POLICY, policyType="System", policyName="AliyunOSSFullAccess"),
        ),
    ],
    "trust-is-narrow": [
        Case("everybody", one(ROLE, assumeRolePolicyDocument=trust("*"))),
        Case("ramUsers of any account", one(ROLE, ramUsers=["acs:ram::*:root"])),
        Case(
            "NotPrincipal",
            one(ROLE, assumeRolePolicyDocument=trust({}).replace("Principal", "NotPrincipal")),
        ),
        Case(
            "any account", one(ROLE, assumeRolePolicyDocument=trust({"RAM": ["acs:ram::*:root"]}))
        ),
        Case("no condition", one(ROLE, assumeRolePolicyDocument=trust(FEDERATED))),
        Case(
            "no subject",
            one(ROLE, assumeRolePolicyDocument=trust(FEDERATED, {"StringEquals": ISSUER})),
        ),
        Case(
            "any branch",
            one(
                ROLE,
                assumeRolePolicyDocument=trust(
                    FEDERATED,
                    {"StringEquals": ISSUER, "StringLike": {"oidc:sub": "repo:org/name:*"}},
                ),
            ),
        ),
    ],
    "no-static-keys": [
        Case("a RAM user", one("alicloud:ram/user:User")),
        Case("an access key", one("alicloud:ram/accessKey:AccessKey")),
        Case("the provider's access key", one(PROVIDER, accessKey="LTAI")),
    ],
    "tags-are-there": [
        Case("nodes of a group", one(TEMPLATE, templateTags=TAGS)),
        Case("a template", one(TEMPLATE, tags=TAGS)),
        Case("no tags", one(BUCKET)),
        Case("no environment", one(BUCKET, tags={**TAGS, "environment": ""})),
        Case("a pr stack without an expiry date", one(BUCKET, tags=TAGS), PR),
    ],
    "owner-is-named-in-prod": [
        Case("no owner", one(BUCKET, tags={**TAGS, "owner": "unset"}), PROD),
        Case("no cost center", one(BUCKET, tags={**TAGS, "cost-center": "unset"}), PROD),
    ],
    "pr-stack-is-small": [
        Case("a scaling configuration", one(SCALING, instanceTypes=["ecs.g7.16xlarge"]), PR),
        Case(
            "an override",
            one(GROUP, launchTemplateOverrides=[{"instanceType": "ecs.g7.16xlarge"}]),
            PR,
        ),
        Case(
            "large warm nodes",
            one(SEARCH, warmNodeConfiguration={"spec": "elasticsearch.sn2ne.4xlarge"}),
            PR,
        ),
        Case("a large node", one(INSTANCE, instanceType="ecs.g7.4xlarge"), PR),
        Case("two GPUs", one(TEMPLATE, instanceType="ecs.gn7i-c8g2.2xlarge"), PR),
        Case("an unknown size", one(INSTANCE, instanceType="ecs.ebmgn7"), PR),
        Case("a large pod", job(jobSpecs=pod(ecsSpec="ecs.gn7i-c32g1.8xlarge")), PR),
        Case("too many pods", job(jobSpecs=pod(podCount=2)), PR),
        Case("too many search nodes", one(SEARCH, dataNodeConfiguration={"amount": 3}), PR),
        Case("a large disk", one(SEARCH, dataNodeConfiguration={"disk": 500}), PR),
        Case(
            "large masters",
            one(SEARCH, masterConfiguration={"spec": "elasticsearch.sn2ne.4xlarge"}),
            PR,
        ),
        Case("a large group", one(GROUP, maxSize=10), PR),
    ],
    "pr-gpu-is-spot": [
        Case(
            "a template",
            one(TEMPLATE, instanceType="ecs.gn7i-c8g1.2xlarge", spotStrategy="NoSpot"),
            PR,
        ),
        Case("one of several types", one(SCALING, instanceTypes=["ecs.gn7i-c8g1.2xlarge"]), PR),
        Case("a node", one(INSTANCE, instanceType="ecs.gn7i-c8g1.2xlarge"), PR),
        Case("a pod", job(jobSpecs=pod()), PR),
    ],
    "pr-stack-bills-by-the-hour": [
        Case("a node", one(INSTANCE, instanceChargeType="PrePaid"), PR),
        Case("the search cluster", one(SEARCH, paymentType="Subscription"), PR),
    ],
    "job-ends": [
        Case("no limit", job(jobSpecs=pod())),
        Case("a week", job(jobSpecs=pod(), maxRunningTimeMinutes=7 * 24 * 60)),
        Case("zero", job(jobSpecs=pod(), maxRunningTimeMinutes=0)),
        Case("an ingest run", one("customrag:rag:IngestRun", jobSpecs=pod())),
    ],
    "protected-in-prod": [
        Case("a bucket", one(BUCKET), PROD),
        Case("the search cluster", one(SEARCH), PROD),
        Case("a key", one(KEY), PROD),
    ],
    "deletion-protection-in-prod": [
        Case("the NAT gateway", one(NAT, deletionProtection=False), PROD),
        Case("the public address", one(ADDRESS), PROD),
        Case("the load balancer", one(BALANCER, deletionProtectionEnabled=False), PROD),
        Case("a key", one(KEY, deletionProtection="Disabled"), PROD),
        Case("the scaling group", one(GROUP), PROD),
    ],
    "no-forced-deletion-in-prod": [
        Case("a bucket", one(BUCKET, forceDestroy=True), PROD),
        Case("a secret", one(SECRET, forceDeleteWithoutRecovery=True), PROD),
    ],
    "no-retired-model": [
        Case(
            "configured",
            one(STACK_TYPE),
            Setting(environment="dev", config={"llmModel": "qwen-turbo"}),
        ),
        Case("on a node", one(INSTANCE, userData=user_data("qwen-max"))),
        Case("in a job", job(envs={"RERANKER": "gte-rerank"})),
    ],
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
    "bucket-is-encrypted": [
        Case("a rule", bucket_with((ENCRYPTION, {"sseAlgorithm": "AES256"}))),
        Case(
            "the bucket's property",
            one(BUCKET, bucket="b", serverSideEncryptionRule={"sseAlgorithm": "KMS"}),
        ),
        Case("an existing bucket", one(BUCKET, bucket="theirs"), EXISTING_BUCKET),
    ],
    "disk-is-encrypted": [
        Case("a separate disk", one(DISK, encrypted=True)),
        Case(
            "a node",
            one(INSTANCE, systemDiskEncrypted=True, dataDisks=[{"size": 20, "encrypted": True}]),
        ),
        Case("a template", one(TEMPLATE, systemDisk={"encrypted": "true"})),
        Case("unknown yet", one(TEMPLATE, systemDisk=UNKNOWN)),
    ],
    "own-key-in-prod": [
        Case("a key", one(ENCRYPTION, sseAlgorithm="KMS", kmsMasterKeyId=UNKNOWN), PROD),
        Case("dev", one(ENCRYPTION, sseAlgorithm="AES256"), DEV),
    ],
    "key-rotates-in-prod": [Case("yearly", one(KEY, automaticRotation="Enabled"), PROD)],
    "metadata-needs-token": [Case("a token", one(INSTANCE, httpTokens="required"))],
    "no-wildcard-action": [
        Case("one action", one(RAM_POLICY, policyDocument=allow("oss:GetObject"))),
        Case("unknown yet", one(RAM_POLICY, policyDocument=UNKNOWN)),
    ],
    "no-wildcard-resource": [
        Case("buckets with a prefix", one(RAM_POLICY, policyDocument=allow("oss:GetObject"))),
        Case(
            "an action without resource level",
            one(RAM_POLICY, policyDocument=allow("cms:PutContact", Resource=["*"])),
        ),
        Case(
            "GetCallerIdentity",
            one(RAM_POLICY, policyDocument=allow("sts:GetCallerIdentity", Resource="*")),
        ),
    ],
    "no-system-policy": [
        Case("a policy of the stack", one(ROLE_POLICY, policyType="Custom", policyName="p")),
        Case("unknown yet", one(ROLE_POLICY, policyType=UNKNOWN, policyName=UNKNOWN)),
    ],
    "trust-is-narrow": [
        Case(
            "a service",
            one(ROLE, assumeRolePolicyDocument=trust({"Service": ["ecs.aliyuncs.com"]})),
        ),
        Case(
            "one environment",
            one(
                ROLE,
                assumeRolePolicyDocument=trust(
                    FEDERATED,
                    {"StringEquals": {**ISSUER, "oidc:sub": "repo:org/name:environment:prod"}},
                ),
            ),
        ),
    ],
    "no-static-keys": [
        Case("a role", one(ROLE)),
        Case("a provider without an access key", one(PROVIDER, region="cn-hangzhou")),
        Case("a local cloud's key", one(PROVIDER, accessKey="LTAI"), LOCAL),
        Case("the local provider's key", one(PROVIDER, accessKey="LTAI", version="4.0.0-local")),
    ],
    "tags-are-there": [
        Case("a template and its nodes", one(TEMPLATE, tags=TAGS, templateTags=TAGS)),
        Case("all tags", one(BUCKET, tags=TAGS)),
        Case(
            "a pr stack with an expiry date",
            one(BUCKET, tags={**TAGS, "expires-at": "2026-11-24"}),
            PR,
        ),
        Case("a type without tags", one(RULE)),
    ],
    "owner-is-named-in-prod": [
        Case("an owner", one(BUCKET, tags=TAGS), PROD),
        Case("dev", one(BUCKET, tags={**TAGS, "owner": "unset"}), DEV),
    ],
    "pr-stack-is-small": [
        Case("a small node", one(INSTANCE, instanceType="ecs.g7.large"), PR),
        Case("one GPU", job(jobSpecs=pod()), PR),
        Case(
            "a small cluster",
            one(
                SEARCH,
                zoneCount=1,
                dataNodeConfiguration={
                    "spec": "elasticsearch.sn2ne.large",
                    "amount": 2.0,
                    "disk": 20,
                },
            ),
            PR,
        ),
        Case("prod", one(INSTANCE, instanceType="ecs.g7.16xlarge"), PROD),
    ],
    "pr-gpu-is-spot": [
        Case(
            "a spot node",
            one(INSTANCE, instanceType="ecs.gn7i-c8g1.2xlarge", spotStrategy="SpotAsPriceGo"),
            PR,
        ),
        Case("a spot pod", job(jobSpecs=pod(useSpotInstance=True)), PR),
        Case("no GPU", one(INSTANCE, instanceType="ecs.g7.large"), PR),
    ],
    "pr-stack-bills-by-the-hour": [
        Case("a node", one(INSTANCE, instanceChargeType="PostPaid"), PR),
        Case("prod", one(SEARCH, paymentType="Subscription"), PROD),
    ],
    "job-ends": [
        Case("a limit", job(jobSpecs=pod(), maxRunningTimeMinutes=240.0)),
        Case("spot", job(jobSpecs=pod(useSpotInstance=True))),
    ],
    "protected-in-prod": [
        Case("a bucket", one(BUCKET, protect=True), PROD),
        Case("dev", one(BUCKET), DEV),
    ],
    "deletion-protection-in-prod": [
        Case("the load balancer", one(BALANCER, deletionProtectionEnabled=True), PROD),
        Case("the other property", one(BALANCER, deletionProtectionConfig={"enabled": True}), PROD),
    ],
    "no-forced-deletion-in-prod": [
        Case("a bucket", one(BUCKET, forceDestroy=False), PROD),
        Case("pr", one(BUCKET, forceDestroy=True), PR),
    ],
    "no-retired-model": [
        Case(
            "configured",
            one(STACK_TYPE),
            Setting(environment="dev", config={"llmModel": "qwen-plus"}),
        ),
        Case("a name with the same beginning", one(INSTANCE, userData=user_data("qwen-max-2026"))),
    ],
}
