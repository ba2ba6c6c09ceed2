"""CloudMonitor: what a rule may say, and whom it may call."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud import registry
from localcloud.cms.resources import ALARMS, CONTACT_GROUPS, CONTACTS
from localcloud.core.errors import CloudError
from localcloud.core.resources import Created
from tests.localcloud.control_plane import ControlPlane

HANDLERS = registry.handlers(["cms"])
RULE: dict[str, Any] = {
    "project": "acs_elasticsearch",
    "metric": "ClusterStatus",
    "metricDimensions": '[{"clusterId":"es-cn-1"}]',
    "contactGroups": ["rag"],
    "period": 60,
    "silenceTime": 3600,
    "escalationsCritical": {
        "comparisonOperator": ">",
        "statistics": "Value",
        "threshold": "1",
        "times": 3,
    },
}


def make(plane: ControlPlane, token: str, **inputs: Any) -> Created:
    return HANDLERS[f"alicloud:cms/{token}"].create(inputs, plane.context)


@pytest.fixture
def plane(control_plane: ControlPlane) -> ControlPlane:
    for table in (ALARMS, CONTACT_GROUPS, CONTACTS):
        control_plane.context.store.table(table).clear()
    contact = {"alarmContactName": "one", "describe": "", "channelsMail": "one@example.com"}
    make(control_plane, "alarmContact:AlarmContact", **contact)
    group = {"alarmContactGroupName": "rag", "contacts": ["one"]}
    make(control_plane, "alarmContactGroup:AlarmContactGroup", **group)
    return control_plane


def test_a_rule_calls_a_group(plane: ControlPlane) -> None:
    assert make(plane, "alarm:Alarm", **RULE).outputs["status"] == "OK"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"metric": "ClusterMood"}, "not known here"),
        ({"project": "acs_mood"}, "not known here"),
        ({"contactGroups": ["nobody"]}, "No such contact groups: nobody"),
        ({"metricDimensions": "es-cn-1"}, "metricDimensions"),
        ({"period": 61}, "period"),
        ({"silenceTime": 1}, "silenceTime"),
        ({"escalationsCritical": None}, "Give one of"),
        (
            {"escalationsCritical": {**RULE["escalationsCritical"], "statistics": "Average"}},
            "ClusterStatus has Value, Maximum",
        ),
    ],
)
def test_a_rule_that_the_service_would_not_take_is_refused(
    plane: ControlPlane, changed: dict[str, Any], what: str
) -> None:
    with pytest.raises(CloudError, match=what):
        make(plane, "alarm:Alarm", **{**RULE, **changed})


def test_a_contact_needs_an_address_that_is_one(plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="no mail address"):
        make(
            plane,
            "alarmContact:AlarmContact",
            alarmContactName="two",
            describe="",
            channelsMail="nobody",
        )


def test_a_group_has_contacts_that_are_there(plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="No such contacts: two"):
        make(
            plane,
            "alarmContactGroup:AlarmContactGroup",
            alarmContactGroupName="other",
            contacts=["two"],
        )
