"""STS through alibabacloud_sts20150401, and the signatures of every control-plane request."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from alibabacloud_credentials.client import Client as CredentialsClient
from alibabacloud_credentials.models import Config as CredentialsConfig
from alibabacloud_sts20150401.models import AssumeRoleRequest

from localcloud.core.access import Principal
from tests.localcloud.control_plane import AlibabaCloudException, ControlPlane

ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def assume(plane: ControlPlane, arn: str, principal: Principal | None = None, **more: Any) -> Any:
    request = AssumeRoleRequest(role_arn=arn, role_session_name="session", **more)
    return plane.sts(principal).assume_role(request).body


def as_principal(body: Any) -> Principal:
    return Principal(
        arn=body.assumed_role_user.arn,
        access_key_id=body.credentials.access_key_id,
        access_key_secret=body.credentials.access_key_secret,
        security_token=body.credentials.security_token,
    )


def test_the_accounts_key_is_identified_as_the_account(control_plane: ControlPlane) -> None:
    body = control_plane.sts().get_caller_identity().body
    assert body.arn == control_plane.account.arn
    assert body.identity_type == "Account"


def test_an_assumed_role_is_identified_as_its_session(control_plane: ControlPlane) -> None:
    arn = control_plane.role("caller")
    principal = as_principal(assume(control_plane, arn))
    body = control_plane.sts(principal).get_caller_identity().body
    account_id = control_plane.context.platform.account_id
    assert body.arn == f"acs:ram::{account_id}:assumed-role/caller/session"
    assert body.identity_type == "AssumedRoleUser"


def test_a_session_expires_after_the_requested_duration(control_plane: ControlPlane) -> None:
    body = assume(control_plane, control_plane.role("short"), duration_seconds=900)
    end = datetime.strptime(body.credentials.expiration, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert 880 < (end - datetime.now(UTC)).total_seconds() <= 900


def test_a_role_that_does_not_trust_the_account_cannot_be_assumed(
    control_plane: ControlPlane,
) -> None:
    arn = control_plane.role("nodes-only", trust={"Service": ["ecs.aliyuncs.com"]})
    with pytest.raises(AlibabaCloudException) as raised:
        assume(control_plane, arn)
    assert raised.value.code == "NoPermission"


def test_a_role_assumes_another_only_when_allowed(control_plane: ControlPlane) -> None:
    target = control_plane.role("target")
    plain = as_principal(assume(control_plane, control_plane.role("plain")))
    with pytest.raises(AlibabaCloudException) as raised:
        assume(control_plane, target, plain)
    assert raised.value.code == "NoPermission"
    allowed = as_principal(assume(control_plane, control_plane.role("allowed", ASSUME)))
    assert assume(control_plane, target, allowed).assumed_role_user.arn.endswith("target/session")


def test_a_missing_role_is_named_in_the_error(control_plane: ControlPlane) -> None:
    arn = f"acs:ram::{control_plane.context.platform.account_id}:role/missing"
    with pytest.raises(AlibabaCloudException, match="missing") as raised:
        assume(control_plane, arn)
    assert raised.value.code == "EntityNotExist.Role"


def test_an_unsupported_parameter_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(AlibabaCloudException, match="ExternalId='x' of AssumeRole") as raised:
        assume(control_plane, control_plane.role("external"), external_id="x")
    assert raised.value.code == "LocalCloud.NotSupported"


def test_a_wrong_secret_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(AlibabaCloudException) as raised:
        control_plane.sts(secret="wrong").get_caller_identity()
    assert raised.value.code == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused(control_plane: ControlPlane) -> None:
    stranger = Principal(arn="", access_key_id="LTAIstranger", access_key_secret="x")
    with pytest.raises(AlibabaCloudException) as raised:
        control_plane.sts(stranger).get_caller_identity()
    assert raised.value.code == "InvalidAccessKeyId.NotFound"


def test_a_sessions_key_without_its_token_is_refused(control_plane: ControlPlane) -> None:
    body = assume(control_plane, control_plane.role("tokenless"))
    principal = as_principal(body)
    bare = Principal(
        arn="",
        access_key_id=principal.access_key_id,
        access_key_secret=principal.access_key_secret,
    )
    with pytest.raises(AlibabaCloudException) as raised:
        control_plane.sts(bare).get_caller_identity()
    assert raised.value.code == "InvalidSecurityToken.MismatchWithAccessKey"


def fetch(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_signature_version_1_is_refused(control_plane: ControlPlane) -> None:
    endpoint = control_plane.context.platform.endpoints["api"]
    status, body = fetch(f"{endpoint}/?Action=GetCallerIdentity&Signature=x")
    assert (status, body["Code"]) == (501, "LocalCloud.NotSupported")


def test_an_old_request_is_refused(control_plane: ControlPlane) -> None:
    headers = {
        "Authorization": "ACS3-HMAC-SHA256 Credential=x,"
        "SignedHeaders=host;x-acs-content-sha256;x-acs-date,Signature=x",
        "x-acs-date": "2020-01-01T00:00:00Z",
    }
    status, body = fetch(control_plane.context.platform.endpoints["api"], headers)
    assert (status, body["Code"]) == (400, "InvalidTimeStamp.Expired")


def test_an_unsigned_request_is_refused(control_plane: ControlPlane) -> None:
    status, body = fetch(f"{control_plane.context.platform.endpoints['api']}/api/v1/models")
    assert (status, body["Code"]) == (400, "MissingAccessKeyId")


def test_a_credentials_uri_serves_the_sdks_credential_chain(control_plane: ControlPlane) -> None:
    control_plane.role("node-role")
    uri = control_plane.context.access.credentials_uri(
        "node-role", "i-1", service="ecs.aliyuncs.com"
    )
    config = CredentialsConfig(type="credentials_uri", credentials_uri=uri)
    credential = CredentialsClient(config).get_credential()
    principal = Principal(
        arn="",
        access_key_id=credential.access_key_id,
        access_key_secret=credential.access_key_secret,
        security_token=credential.security_token,
    )
    body = control_plane.sts(principal).get_caller_identity().body
    assert body.arn.endswith(":assumed-role/node-role/i-1")


def test_an_unknown_credentials_uri_is_not_found(control_plane: ControlPlane) -> None:
    status, body = fetch(
        f"{control_plane.context.platform.endpoints['api']}/_local/credentials/guess"
    )
    assert (status, body["Code"]) == (404, "InvalidCredentialsUri")


def test_the_admin_api_needs_the_accounts_secret(control_plane: ControlPlane) -> None:
    status, body = fetch(f"{control_plane.context.platform.endpoints['api']}/_local/types")
    assert (status, body["Code"]) == (403, "Forbidden")
