"""RAM policy documents: validation and evaluation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.core.errors import CloudError
from localcloud.core.policies import Decision, evaluate, parse_policy, parse_trust_policy, trusts


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


READ = {"Effect": "Allow", "Action": "oss:Get*", "Resource": "acs:oss:*:*:corpus/docs/*"}
DENY = {"Effect": "Deny", "Action": "oss:*", "Resource": "acs:oss:*:*:corpus/docs/private/*"}


@pytest.mark.parametrize(
    ("action", "resource", "decision"),
    [
        ("oss:GetObject", "acs:oss:cn-hangzhou:1:corpus/docs/a.md", Decision.ALLOW),
        ("OSS:getobject", "acs:oss:cn-hangzhou:1:corpus/docs/a.md", Decision.ALLOW),
        ("oss:PutObject", "acs:oss:cn-hangzhou:1:corpus/docs/a.md", Decision.NONE),
        ("oss:GetObject", "acs:oss:cn-hangzhou:1:corpus/models/a", Decision.NONE),
        ("oss:GetObject", "acs:oss:cn-hangzhou:1:CORPUS/docs/a.md", Decision.NONE),
        ("oss:GetObject", "acs:oss:cn-hangzhou:1:corpus/docs/private/a", Decision.DENY),
    ],
)
def test_policy_allows_or_denies(action: str, resource: str, decision: Decision) -> None:
    assert evaluate(parse_policy(policy(READ, DENY)), action, resource) is decision


def test_question_mark_matches_one_character() -> None:
    statements = parse_policy(
        policy({"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:b/?"})
    )
    assert evaluate(statements, "oss:GetObject", "acs:oss:r:1:b/x") is Decision.ALLOW
    assert evaluate(statements, "oss:GetObject", "acs:oss:r:1:b/xy") is Decision.NONE


def test_regular_expression_characters_match_literally() -> None:
    statements = parse_policy(
        policy({"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:a.b/[x]"})
    )
    assert evaluate(statements, "oss:GetObject", "acs:oss:r:1:a.b/[x]") is Decision.ALLOW
    assert evaluate(statements, "oss:GetObject", "acs:oss:r:1:aXb/x") is Decision.NONE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        (json.dumps({"Version": "2", "Statement": []}), "Version is '2'"),
        (json.dumps({"Version": "1", "Statement": []}), "at least one statement"),
        (policy(READ | {"Effect": "allow"}), "Statement\\[0\\].Effect is 'allow'"),
        (policy(READ | {"Action": []}), "Statement\\[0\\].Action"),
        (policy(READ | {"Action": "GetObject"}), "<service>:<operation>"),
        (policy(READ | {"Resource": "corpus/*"}), "acs:<service>"),
        (policy(READ | {"Ressource": "*"}), "unknown elements \\['Ressource'\\]"),
        (policy(READ | {"Principal": {"RAM": ["*"]}}), "Principal"),
    ],
)
def test_malformed_policy_is_refused(text: str, message: str) -> None:
    with pytest.raises(CloudError, match=message) as raised:
        parse_policy(text)
    assert raised.value.code == "MalformedPolicyDocument"


@pytest.mark.parametrize("element", ["Condition", "NotAction", "NotResource"])
def test_unsupported_element_is_refused(element: str) -> None:
    content = {"Bool": {"acs:SecureTransport": "true"}}
    with pytest.raises(CloudError, match=f"Statement\\[0\\].{element} is not supported"):
        parse_policy(policy(READ | {element: content}))


def test_unknown_condition_operator_is_malformed() -> None:
    content = {"Boolean": {"acs:SecureTransport": "true"}}
    with pytest.raises(CloudError, match=r"Condition.Boolean is unknown; it must be one of"):
        parse_policy(policy(READ | {"Condition": content}))


TRUST = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": ["ecs.aliyuncs.com"], "RAM": "acs:ram::1:root"},
}


@pytest.mark.parametrize(
    ("kind", "name", "trusted"),
    [
        ("Service", "ecs.aliyuncs.com", True),
        ("Service", "pai-dlc.aliyuncs.com", False),
        ("RAM", "acs:ram::1:root", True),
        ("RAM", "acs:ram::2:root", False),
    ],
)
def test_trust_policy_decides_who_may_assume_the_role(kind: str, name: str, trusted: bool) -> None:
    assert trusts(parse_trust_policy(policy(TRUST)), kind, name) is trusted


def test_denied_principal_is_not_trusted() -> None:
    statements = parse_trust_policy(policy(TRUST, TRUST | {"Effect": "Deny"}))
    assert not trusts(statements, "Service", "ecs.aliyuncs.com")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (TRUST | {"Action": "oss:GetObject"}, "only sts:AssumeRole"),
        (TRUST | {"Resource": "*"}, "Resource is not part"),
        (TRUST | {"Principal": {}}, "Principal must be"),
        (TRUST | {"Principal": {"User": ["x"]}}, "Principal.User is unknown"),
    ],
)
def test_malformed_trust_policy_is_refused(statement: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudError, match=message):
        parse_trust_policy(policy(statement))
