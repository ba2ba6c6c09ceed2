"""What the cases share: types, settings, and resources that several of them declare."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from guardrails.policy.model import UNKNOWN, Resource, Setting
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
