"""Principals, role sessions and permissions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.core.access import (
    AccessControl,
    ExpiredSecurityTokenError,
    InvalidSecurityTokenError,
    UnknownAccessKeyError,
)
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.ram.resources import PolicyHandler, RoleHandler, RolePolicyAttachmentHandler

ECS = "ecs.aliyuncs.com"


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.fixture
def access(context: Context) -> AccessControl:
    """Access to a stack with a role `node` that may read the bucket `corpus`."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": [ECS]}}
    allow = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:corpus/*"}
    RoleHandler().create({"roleName": "node", "assumeRolePolicyDocument": document(trust)}, context)
    PolicyHandler().create({"policyName": "read", "policyDocument": document(allow)}, context)
    RolePolicyAttachmentHandler().create(
        {"roleName": "node", "policyName": "read", "policyType": "Custom"}, context
    )
    return context.access


def test_account_key_belongs_to_the_root_principal(access: AccessControl, context: Context) -> None:
    principal = access.principal(context.platform.access_key_id, None)
    assert principal.arn == f"acs:ram::{context.platform.account_id}:root"


def test_unknown_key_is_refused(access: AccessControl) -> None:
    with pytest.raises(UnknownAccessKeyError):
        access.principal("LTAIunknown", None)


def test_session_is_found_by_key_and_token(access: AccessControl) -> None:
    issued = access.issue("node", "i-1", 900)
    assert access.principal(issued.access_key_id, issued.security_token) == issued


@pytest.mark.parametrize("token", [None, "", "CAISwrong"])
def test_session_with_wrong_token_is_refused(access: AccessControl, token: str | None) -> None:
    issued = access.issue("node", "i-1", 900)
    with pytest.raises(InvalidSecurityTokenError):
        access.principal(issued.access_key_id, token)


def test_expired_session_is_refused(access: AccessControl, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = access.issue("node", "i-1", 900)
    assert issued.expires_at is not None
    end = issued.expires_at
    monkeypatch.setattr("localcloud.core.access.time.time", lambda: end)
    with pytest.raises(ExpiredSecurityTokenError):
        access.principal(issued.access_key_id, issued.security_token)


def test_role_may_do_what_its_policies_allow(access: AccessControl) -> None:
    session = access.issue("node", "i-1", 900)
    assert access.allows(session, "oss:GetObject", "acs:oss:*:*:corpus/a.md")
    assert not access.allows(session, "oss:PutObject", "acs:oss:*:*:corpus/a.md")
    assert not access.allows(session, "oss:GetObject", "acs:oss:*:*:models/a")


def test_detached_policy_no_longer_applies(access: AccessControl, context: Context) -> None:
    session = access.issue("node", "i-1", 900)
    RolePolicyAttachmentHandler().delete("role:read:Custom:node", {}, context)
    assert not access.allows(session, "oss:GetObject", "acs:oss:*:*:corpus/a.md")


def test_session_policy_only_limits_the_role(access: AccessControl) -> None:
    narrow = {"Effect": "Allow", "Action": "oss:*", "Resource": "acs:oss:*:*:corpus/docs/*"}
    session = access.issue("node", "i-1", 900, policy=document(narrow))
    assert access.allows(session, "oss:GetObject", "acs:oss:*:*:corpus/docs/a")
    assert not access.allows(session, "oss:GetObject", "acs:oss:*:*:corpus/other")
    assert not access.allows(session, "oss:PutObject", "acs:oss:*:*:corpus/docs/a")


def test_policy_for_another_region_does_not_apply(access: AccessControl, context: Context) -> None:
    elsewhere = {"Effect": "Allow", "Action": "kms:*", "Resource": "acs:kms:cn-beijing:*:*"}
    PolicyHandler().create({"policyName": "far", "policyDocument": document(elsewhere)}, context)
    RolePolicyAttachmentHandler().create(
        {"roleName": "node", "policyName": "far", "policyType": "Custom"}, context
    )
    session = access.issue("node", "i-1", 900)
    assert not access.allows(session, "kms:GetSecretValue", "acs:kms:*:*:secret/x")


def test_untrusted_service_gets_no_session(access: AccessControl) -> None:
    with pytest.raises(CloudError, match="does not let pai-dlc"):
        access.issue("node", "job", 900, service="pai-dlc.aliyuncs.com")


@pytest.mark.parametrize("seconds", [899, 3601])
def test_session_duration_out_of_range_is_refused(access: AccessControl, seconds: int) -> None:
    with pytest.raises(CloudError, match="900 to 3600"):
        access.issue("node", "i-1", seconds)


def test_deleting_a_role_ends_its_sessions(access: AccessControl, context: Context) -> None:
    issued = access.issue("node", "i-1", 900)
    RoleHandler().delete("node", {"force": True}, context)
    with pytest.raises(UnknownAccessKeyError):
        access.principal(issued.access_key_id, issued.security_token)


def test_credentials_uri_of_a_node_stays_the_same(access: AccessControl) -> None:
    assert access.credentials_uri("node", "i-1", service=ECS) == access.credentials_uri(
        "node", "i-1", service=ECS
    )


def test_credentials_uri_returns_a_session_of_the_role(access: AccessControl) -> None:
    token = access.credentials_uri("node", "i-1", service=ECS).rsplit("/", 1)[-1]
    principal = access.credentials_of_uri(token)
    assert principal is not None
    assert principal.arn.endswith(":assumed-role/node/i-1")


def test_revoked_credentials_uri_returns_nothing(access: AccessControl) -> None:
    uri = access.credentials_uri("node", "i-1")
    access.revoke_credentials_uri(uri)
    assert access.credentials_of_uri(uri.rsplit("/", 1)[-1]) is None


def test_repr_of_a_principal_hides_secrets(access: AccessControl) -> None:
    issued = access.issue("node", "i-1", 900)
    assert issued.access_key_secret not in repr(issued)
    assert str(issued.security_token) not in repr(issued)
