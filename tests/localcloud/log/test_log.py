"""Simple Log Service: validation of the records, and the deletion of projects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud import registry
from localcloud.core.errors import CloudError
from localcloud.core.resources import Created
from tests.localcloud.control_plane import ControlPlane

HANDLERS = registry.handlers(["log"])
JOURNAL = {"plugin": {"inputs": [{"type": "service_journal", "detail": {}}]}}
CONFIG = {
    "project": "logs-1",
    "logstore": "app",
    "name": "journal",
    "inputType": "plugin",
    "inputDetail": json.dumps(JOURNAL),
    "outputType": "LogService",
}


def make(plane: ControlPlane, token: str, **inputs: Any) -> Created:
    return HANDLERS[f"alicloud:log/{token}"].create(inputs, plane.context)


def read(plane: ControlPlane, token: str, id_: str) -> Any:
    return HANDLERS[f"alicloud:log/{token}"].read(id_, {}, plane.context)


@pytest.fixture
def plane(control_plane: ControlPlane) -> ControlPlane:
    HANDLERS["alicloud:log/project:Project"].delete("logs-1", {}, control_plane.context)
    make(control_plane, "project:Project", projectName="logs-1")
    make(control_plane, "store:Store", projectName="logs-1", logstoreName="app")
    return control_plane


def test_ids_follow_the_provider(plane: ControlPlane) -> None:
    index = make(
        plane, "storeIndex:StoreIndex", project="logs-1", logstore="app", fullText={"token": ","}
    )
    assert index.id == "logs-1:app"


def test_configuration_is_attached_to_a_machine_group(plane: ControlPlane) -> None:
    make(plane, "logTailConfig:LogTailConfig", **CONFIG)
    make(
        plane,
        "machineGroup:MachineGroup",
        project="logs-1",
        name="nodes",
        identifyType="userdefined",
        identifyLists=["customrag-dev-nodes"],
    )
    attached = make(
        plane,
        "logTailAttachment:LogTailAttachment",
        project="logs-1",
        logtailConfigName="journal",
        machineGroupName="nodes",
    )
    assert attached.id == "logs-1:journal:nodes"


@pytest.mark.parametrize(
    ("token", "inputs", "code"),
    [
        ("project:Project", {"projectName": "logs-1"}, "ProjectAlreadyExist"),
        ("store:Store", {"projectName": "no-such", "logstoreName": "app"}, "ProjectNotExist"),
        (
            "store:Store",
            {
                "projectName": "logs-1",
                "logstoreName": "two",
                "encryptConf": {
                    "enable": True,
                    "encryptType": "default",
                    "userCmkInfo": {"cmkKeyId": "key-nowhere"},
                },
            },
            "ParameterInvalid",
        ),
        ("logTailConfig:LogTailConfig", {**CONFIG, "logstore": "no-such"}, "LogStoreNotExist"),
        ("logTailConfig:LogTailConfig", {**CONFIG, "inputDetail": "[]"}, "ParameterInvalid"),
        (
            "logTailConfig:LogTailConfig",
            {**CONFIG, "inputDetail": '{"plugin": {"inputs": [{"type": "mysql"}]}}'},
            "ParameterInvalid",
        ),
    ],
)
def test_invalid_input_is_refused(
    plane: ControlPlane, token: str, inputs: dict[str, Any], code: str
) -> None:
    with pytest.raises(CloudError) as raised:
        make(plane, token, **inputs)
    assert raised.value.code == code


def test_deleting_a_project_deletes_its_contents(plane: ControlPlane) -> None:
    HANDLERS["alicloud:log/project:Project"].delete("logs-1", {}, plane.context)
    assert read(plane, "store:Store", "logs-1:app") is None
