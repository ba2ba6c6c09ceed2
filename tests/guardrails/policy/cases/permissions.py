"""Cases of the rules about permissions, trust and keys."""

from __future__ import annotations

from guardrails.policy.model import UNKNOWN
from tests.guardrails.policy.cases.support import (
    FEDERATED,
    GROUP_POLICY,
    ISSUER,
    LOCAL,
    PROVIDER,
    RAM_POLICY,
    ROLE,
    ROLE_POLICY,
    Case,
    allow,
    one,
    trust,
)

VIOLATING: dict[str, list[Case]] = {
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
}

PASSING: dict[str, list[Case]] = {
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
}
