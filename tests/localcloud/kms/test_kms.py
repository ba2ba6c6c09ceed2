"""Declared secrets, read through alibabacloud_kms20160120."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.models import (
    DescribeSecretRequest,
    GetSecretValueRequest,
    ListKeysRequest,
)

from localcloud.core.errors import CloudError
from tests.localcloud.control_plane import AlibabaCloudException, ControlPlane

SECRET = "kms/secret:Secret"


def declare(plane: ControlPlane, name: str, data: str = "one", **more: Any) -> dict[str, Any]:
    inputs = {"secretName": name, "secretData": data, "versionId": "v1", **more}
    plane.create(SECRET, inputs)
    return inputs


def value(plane: ControlPlane, name: str, principal: Any = None, **more: Any) -> Any:
    request = GetSecretValueRequest(secret_name=name, **more)
    return plane.kms(principal).get_secret_value(request).body


def test_a_declared_secret_is_read(control_plane: ControlPlane) -> None:
    declare(control_plane, "read")
    body = value(control_plane, "read")
    assert (body.secret_data, body.version_id, body.secret_data_type) == ("one", "v1", "text")
    assert body.version_stages.version_stage == ["ACSCurrent"]


def test_a_role_needs_permission_for_the_key_of_a_secret(control_plane: ControlPlane) -> None:
    key = control_plane.create("kms/key:Key", {})
    declare(control_plane, "under-key", encryptionKeyId=key.id)
    arn = "acs:kms:*:*:secret/under-key"
    may_read = {"Effect": "Allow", "Action": ["kms:GetSecretValue"], "Resource": [arn]}
    control_plane.role("without", may_read)
    session = control_plane.context.access.issue("without", "s", 900)
    with pytest.raises(AlibabaCloudException, match="kms:Decrypt"):
        value(control_plane, "under-key", session)
    may_open = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [key.outputs["arn"]]}
    control_plane.role("with", may_read, may_open)
    session = control_plane.context.access.issue("with", "s", 900)
    assert value(control_plane, "under-key", session).secret_data == "one"


def test_a_role_reads_only_the_secrets_of_its_policy(control_plane: ControlPlane) -> None:
    declare(control_plane, "mine")
    declare(control_plane, "other")
    control_plane.role(
        "secret-reader",
        {
            "Effect": "Allow",
            "Action": "kms:GetSecretValue",
            "Resource": "acs:kms:*:*:secret/mine",
        },
    )
    session = control_plane.context.access.issue("secret-reader", "node", 900)
    assert value(control_plane, "mine", session).secret_data == "one"
    with pytest.raises(AlibabaCloudException, match="secret/other") as raised:
        value(control_plane, "other", session)
    assert raised.value.code == "Forbidden.NoPermission"


def test_a_new_version_becomes_the_current_one(control_plane: ControlPlane) -> None:
    inputs = declare(control_plane, "rotated")
    changed = {**inputs, "secretData": "two", "versionId": "v2"}
    control_plane.handler(SECRET).update("rotated", inputs, changed, control_plane.context)
    assert value(control_plane, "rotated").secret_data == "two"
    assert value(control_plane, "rotated", version_stage="ACSPrevious").secret_data == "one"
    assert value(control_plane, "rotated", version_id="v1").secret_data == "one"


def test_a_new_value_needs_a_new_version_id(control_plane: ControlPlane) -> None:
    inputs = declare(control_plane, "same-version")
    with pytest.raises(CloudError, match="give the new value a new versionId"):
        control_plane.handler(SECRET).update(
            "same-version", inputs, {**inputs, "secretData": "two"}, control_plane.context
        )


def test_a_missing_secret_is_not_found(control_plane: ControlPlane) -> None:
    with pytest.raises(AlibabaCloudException) as raised:
        value(control_plane, "nowhere")
    assert raised.value.code == "Forbidden.ResourceNotFound"


def test_a_deleted_secret_waits_for_its_recovery_window(control_plane: ControlPlane) -> None:
    inputs = declare(control_plane, "waiting", recoveryWindowInDays=7)
    control_plane.handler(SECRET).delete("waiting", inputs, control_plane.context)
    with pytest.raises(AlibabaCloudException):
        value(control_plane, "waiting")
    with pytest.raises(CloudError, match="will be deleted at") as raised:
        declare(control_plane, "waiting")
    assert raised.value.code == "Rejected.ResourceExist"


def test_a_secret_deleted_without_recovery_can_be_created_again(
    control_plane: ControlPlane,
) -> None:
    inputs = declare(control_plane, "forced", forceDeleteWithoutRecovery=True)
    control_plane.handler(SECRET).delete("forced", inputs, control_plane.context)
    declare(control_plane, "forced", "new")
    assert value(control_plane, "forced").secret_data == "new"


def test_delete_of_a_missing_secret_is_success(control_plane: ControlPlane) -> None:
    control_plane.handler(SECRET).delete("never-was", {}, control_plane.context)


def test_a_secret_is_described_without_its_value(control_plane: ControlPlane) -> None:
    declare(control_plane, "described", description="for the app")
    body = control_plane.kms().describe_secret(DescribeSecretRequest(secret_name="described")).body
    assert body.description == "for the app"


def test_an_unsupported_action_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(AlibabaCloudException, match="RPC action 'ListKeys'") as raised:
        control_plane.kms().list_keys(ListKeysRequest())
    assert raised.value.code == "LocalCloud.NotSupported"


def test_a_key_is_a_record(control_plane: ControlPlane) -> None:
    created = control_plane.create("kms/key:Key", {"description": "for buckets"})
    assert created.outputs["arn"].endswith(f":key/{created.id}")
    assert created.outputs["status"] == "Enabled"


def test_an_unknown_key_spec_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="keySpec is 'RSA_2048'"):
        control_plane.create("kms/key:Key", {"keySpec": "RSA_2048"})
