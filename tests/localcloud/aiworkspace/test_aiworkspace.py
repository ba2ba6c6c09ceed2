"""AIWorkSpace: declared resources, and the API through alibabacloud_aiworkspace20210204."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_aiworkspace20210204 import models as m

from localcloud.core.errors import CloudError
from tests.localcloud.control_plane import AlibabaCloudException, ControlPlane

WORKSPACE = "pai/workspaceWorkspace:WorkspaceWorkspace"
DATASET = "pai/workspaceDataset:WorkspaceDataset"
MODEL = "pai/workspaceModel:WorkspaceModel"
VERSION = "pai/workspaceModelVersion:WorkspaceModelVersion"


def workspace(plane: ControlPlane, name: str) -> str:
    inputs = {"workspaceName": name, "description": "tests", "envTypes": ["prod"]}
    return plane.create(WORKSPACE, inputs).id


def model(plane: ControlPlane, name: str) -> str:
    return plane.create(MODEL, {"modelName": name}).id


def version(plane: ControlPlane, model_id: str, **more: Any) -> str:
    inputs = {"modelId": model_id, "uri": "oss://artifacts/model/", **more}
    return plane.create(VERSION, inputs).id


def test_sdk_finds_a_declared_workspace(control_plane: ControlPlane) -> None:
    identifier = workspace(control_plane, "seen")
    body = control_plane.aiworkspace().get_workspace(identifier, m.GetWorkspaceRequest()).body
    assert (body.workspace_name, body.status, body.env_types) == ("seen", "ENABLED", ["prod"])


def test_list_workspaces_filters_by_name(control_plane: ControlPlane) -> None:
    workspace(control_plane, "listed")
    request = m.ListWorkspacesRequest(workspace_name="listed")
    body = control_plane.aiworkspace().list_workspaces(request).body
    assert [item.workspace_name for item in body.workspaces] == ["listed"]
    assert body.total_count == 1


def test_duplicate_workspace_name_is_refused(control_plane: ControlPlane) -> None:
    workspace(control_plane, "taken")
    with pytest.raises(CloudError, match="already exists"):
        workspace(control_plane, "taken")


def test_workspace_in_use_cannot_be_deleted(control_plane: ControlPlane) -> None:
    identifier = workspace(control_plane, "used")
    model_id = control_plane.create(MODEL, {"modelName": "in-it", "workspaceId": identifier}).id
    handler = control_plane.handler(WORKSPACE)
    with pytest.raises(CloudError, match=f"while it has {model_id}"):
        handler.delete(identifier, {}, control_plane.context)


def test_model_in_missing_workspace_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="The Workspace 1 does not exist"):
        control_plane.create(MODEL, {"modelName": "lost", "workspaceId": "1"})


def test_versions_get_consecutive_numbers(control_plane: ControlPlane) -> None:
    model_id = model(control_plane, "numbered")
    assert [version(control_plane, model_id) for _ in range(3)] == [
        f"{model_id}:0.1.0",
        f"{model_id}:0.2.0",
        f"{model_id}:0.3.0",
    ]


def test_number_of_a_deleted_version_is_not_reused(control_plane: ControlPlane) -> None:
    model_id = model(control_plane, "renumbered")
    first = version(control_plane, model_id)
    control_plane.handler(VERSION).delete(first, {}, control_plane.context)
    assert version(control_plane, model_id) == f"{model_id}:0.2.0"


def test_numbering_continues_from_a_given_version_name(control_plane: ControlPlane) -> None:
    model_id = model(control_plane, "jumped")
    version(control_plane, model_id, versionName="1.4.0")
    assert version(control_plane, model_id) == f"{model_id}:1.5.0"


def test_approval_updates_a_version_in_place(control_plane: ControlPlane) -> None:
    inputs = {"modelId": model(control_plane, "approved"), "uri": "oss://artifacts/model/"}
    handler, context = control_plane.handler(VERSION), control_plane.context
    identifier = handler.create(inputs, context).id
    handler.update(identifier, inputs, {**inputs, "approvalStatus": "Approved"}, context)
    assert handler.read(identifier, {}, context)["approvalStatus"] == "Approved"


def test_update_changes_labels(control_plane: ControlPlane) -> None:
    model_id = model(control_plane, "labelled")
    inputs = {"modelName": "labelled", "labels": [{"key": "team", "value": "search"}]}
    handler = control_plane.handler(MODEL)
    assert handler.update(model_id, {}, inputs, control_plane.context)["labels"] == inputs["labels"]
    assert handler.read(model_id, {}, control_plane.context)["labels"] == inputs["labels"]


def test_removed_description_is_deleted(control_plane: ControlPlane) -> None:
    inputs = {"modelName": "undescribed", "modelDescription": "old"}
    identifier = control_plane.create(MODEL, inputs).id
    outputs = control_plane.handler(MODEL).update(
        identifier, inputs, {"modelName": "undescribed"}, control_plane.context
    )
    assert outputs["modelDescription"] is None


def test_model_with_versions_cannot_be_deleted(control_plane: ControlPlane) -> None:
    model_id = model(control_plane, "versioned")
    version_id = version(control_plane, model_id)
    handler, context = control_plane.handler(MODEL), control_plane.context
    with pytest.raises(CloudError, match=r"while it has 0\.1\.0"):
        handler.delete(model_id, {}, context)
    control_plane.handler(VERSION).delete(version_id, {}, context)
    handler.delete(model_id, {}, context)
    assert handler.read(model_id, {}, context) is None


def test_declared_dataset_can_be_read(control_plane: ControlPlane) -> None:
    created = control_plane.create(
        DATASET,
        {
            "datasetName": "corpus",
            "workspaceId": workspace(control_plane, "with-dataset"),
            "dataSourceType": "OSS",
            "property": "DIRECTORY",
            "uri": "oss://corpus.oss-cn-hangzhou.aliyuncs.com/corpus/",
        },
    )
    outputs = control_plane.handler(DATASET).read(created.id, {}, control_plane.context)
    assert (outputs["datasetName"], outputs["property"]) == ("corpus", "DIRECTORY")
    assert outputs["accessibility"] == "PRIVATE"


def test_unsupported_data_source_type_is_refused(control_plane: ControlPlane) -> None:
    inputs = {"datasetName": "nas", "dataSourceType": "NAS", "property": "FILE", "uri": "nas://x/"}
    with pytest.raises(CloudError, match="DataSourceType 'NAS' is not supported"):
        control_plane.create(DATASET, inputs)


def test_unsupported_filter_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(AlibabaCloudException, match="The parameter Status='x' of ListWorkspaces"):
        control_plane.aiworkspace().list_workspaces(m.ListWorkspacesRequest(status="x"))


def test_unsupported_operation_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(AlibabaCloudException, match="is not an operation of the local cloud"):
        control_plane.aiworkspace().list_permissions("1", m.ListPermissionsRequest())


def test_role_without_permission_is_refused(control_plane: ControlPlane) -> None:
    control_plane.role(
        "registrar",
        {"Effect": "Allow", "Action": "paiworkspace:Get*", "Resource": "*"},
    )
    session = control_plane.context.access.issue("registrar", "job", 900)
    workspace_id = workspace(control_plane, "guarded")
    client = control_plane.aiworkspace(session)
    body = client.get_workspace(workspace_id, m.GetWorkspaceRequest()).body
    assert body.workspace_name == "guarded"
    with pytest.raises(AlibabaCloudException) as raised:
        client.list_workspaces(m.ListWorkspacesRequest())
    assert raised.value.code == "NoPermission"


def test_delete_of_missing_model_is_success(control_plane: ControlPlane) -> None:
    control_plane.handler(MODEL).delete("model-gone", {}, control_plane.context)
