"""Simple Log Service: what the records refuse, and what goes with a project."""

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


def test_ids_are_the_provider_s(plane: ControlPlane) -> None:
    index = make(
        plane, "storeIndex:StoreIndex", project="logs-1", logstore="app", fullText={"token": ","}
    )
    assert index.id == "logs-1:app"


def test_nodes_of_a_group_get_a_configuration(plane: ControlPlane) -> None:
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
        ("project:Project", {"projectName": "No"}, "ParameterInvalid"),
        ("store:Store", {"projectName": "no-such", "logstoreName": "app"}, "ProjectNotExist"),
        (
            "store:Store",
            {"projectName": "logs-1", "logstoreName": "two", "retentionPeriod": 0},
            "ParameterInvalid",
        ),
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
        ("logTailConfig:LogTailConfig", {**CONFIG, "inputDetail": "{"}, "ParameterInvalid"),
        (
            "logTailConfig:LogTailConfig",
            {**CONFIG, "inputDetail": '{"plugin": {"inputs": [{"type": "mysql"}]}}'},
            "ParameterInvalid",
        ),
    ],
)
def test_what_the_service_would_not_take_is_refused(
    plane: ControlPlane, token: str, inputs: dict[str, Any], code: str
) -> None:
    with pytest.raises(CloudError) as raised:
        make(plane, token, **inputs)
    assert raised.value.code == code


def test_a_project_goes_with_all_that_is_in_it(plane: ControlPlane) -> None:
    HANDLERS["alicloud:log/project:Project"].delete("logs-1", {}, plane.context)
    assert read(plane, "store:Store", "logs-1:app") is None
