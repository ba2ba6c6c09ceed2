"""Roles, policies and attachments."""

from __future__ import annotations

import pytest

from localcloud.core.errors import CloudError
from tests.localcloud.control_plane import ControlPlane, document

ROLE, POLICY = "ram/role:Role", "ram/policy:Policy"
ATTACHMENT = "ram/rolePolicyAttachment:RolePolicyAttachment"
READ = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "*"}


def test_a_role_has_the_outputs_of_the_cloud(control_plane: ControlPlane) -> None:
    arn = control_plane.role("Outputs")
    account_id = control_plane.context.platform.account_id
    assert arn == f"acs:ram::{account_id}:role/outputs"
    outputs = control_plane.handler(ROLE).read("Outputs", {}, control_plane.context)
    assert outputs["maxSessionDuration"] == 3600
    assert len(outputs["roleId"]) == 18


def test_a_second_role_with_the_same_name_is_refused(control_plane: ControlPlane) -> None:
    control_plane.role("once")
    with pytest.raises(CloudError) as raised:
        control_plane.role("once")
    assert raised.value.code == "EntityAlreadyExists.Role"


def test_a_role_without_a_name_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="roleName is mandatory") as raised:
        control_plane.role("")
    assert raised.value.code == "MissingParameter"


def test_an_invalid_trust_policy_is_refused(control_plane: ControlPlane) -> None:
    inputs = {"roleName": "unsound", "assumeRolePolicyDocument": document(READ)}
    with pytest.raises(CloudError) as raised:
        control_plane.create(ROLE, inputs)
    assert raised.value.code == "MalformedPolicyDocument"


def test_a_role_with_policies_cannot_be_deleted(control_plane: ControlPlane) -> None:
    control_plane.role("attached", READ)
    handler = control_plane.handler(ROLE)
    with pytest.raises(CloudError, match="role:attached:Custom:attached") as raised:
        handler.delete("attached", {}, control_plane.context)
    assert raised.value.code == "DeleteConflict.Role.Policy"
    handler.delete("attached", {"force": True}, control_plane.context)
    assert handler.read("attached", {}, control_plane.context) is None


def test_an_attached_policy_cannot_be_deleted(control_plane: ControlPlane) -> None:
    control_plane.role("holder", READ)
    handler = control_plane.handler(POLICY)
    with pytest.raises(CloudError) as raised:
        handler.delete("holder", {}, control_plane.context)
    assert raised.value.code == "DeleteConflict.Policy.Role"
    control_plane.handler(ATTACHMENT).delete("role:holder:Custom:holder", {}, control_plane.context)
    handler.delete("holder", {}, control_plane.context)
    assert handler.read("holder", {}, control_plane.context) is None


def test_a_changed_policy_has_a_new_version(control_plane: ControlPlane) -> None:
    inputs = {"policyName": "versioned", "policyDocument": document(READ)}
    created = control_plane.create(POLICY, inputs)
    assert created.outputs["defaultVersion"] == "v1"
    changed = {**inputs, "policyDocument": document(READ | {"Action": "oss:ListObjects"})}
    handler = control_plane.handler(POLICY)
    outputs = handler.update("versioned", {}, changed, control_plane.context)
    assert outputs["defaultVersion"] == "v2"
    outputs = handler.update("versioned", {}, changed, control_plane.context)
    assert outputs["defaultVersion"] == "v2"


def test_a_policy_counts_its_attachments(control_plane: ControlPlane) -> None:
    control_plane.role("counted", READ)
    outputs = control_plane.handler(POLICY).read("counted", {}, control_plane.context)
    assert outputs["attachmentCount"] == 1


def test_a_second_attachment_of_a_policy_is_refused(control_plane: ControlPlane) -> None:
    control_plane.role("twice", READ)
    with pytest.raises(CloudError) as raised:
        control_plane.create(
            ATTACHMENT, {"policyName": "twice", "policyType": "Custom", "roleName": "twice"}
        )
    assert raised.value.code == "EntityAlreadyExists.Role.Policy"


@pytest.mark.parametrize(
    ("policy", "role", "code"),
    [
        ("nothing", "half", "EntityNotExist.Policy"),
        ("half", "missing", "EntityNotExist.Role"),
    ],
)
def test_both_ends_of_an_attachment_must_exist(
    control_plane: ControlPlane, policy: str, role: str, code: str
) -> None:
    if control_plane.handler(ROLE).read("half", {}, control_plane.context) is None:
        control_plane.role("half", READ)
    with pytest.raises(CloudError) as raised:
        control_plane.create(
            ATTACHMENT, {"policyName": policy, "policyType": "Custom", "roleName": role}
        )
    assert raised.value.code == code


def test_a_system_policy_is_refused(control_plane: ControlPlane) -> None:
    control_plane.role("wants-system")
    with pytest.raises(CloudError, match="AliyunOSSFullAccess"):
        control_plane.create(
            ATTACHMENT,
            {
                "policyName": "AliyunOSSFullAccess",
                "policyType": "System",
                "roleName": "wants-system",
            },
        )
