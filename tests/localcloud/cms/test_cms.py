"""CloudMonitor: validation of contacts, groups and rules."""

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


def test_rule_alerts_a_contact_group(plane: ControlPlane) -> None:
    assert make(plane, "alarm:Alarm", **RULE).outputs["status"] == "OK"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"metric": "ClusterMood"}, "does not know the metric"),
        ({"project": "acs_mood"}, "does not know the metric"),
        ({"contactGroups": ["missing"]}, "The contact groups missing do not exist"),
        ({"metricDimensions": "{}"}, "metricDimensions"),
        ({"period": 61}, "period"),
        ({"escalationsCritical": None}, "Give one of"),
        (
            {"escalationsCritical": {**RULE["escalationsCritical"], "statistics": "Average"}},
            "for ClusterStatus it must be one of Value, Maximum",
        ),
    ],
)
def test_invalid_rule_is_refused(plane: ControlPlane, changed: dict[str, Any], what: str) -> None:
    with pytest.raises(CloudError, match=what):
        make(plane, "alarm:Alarm", **{**RULE, **changed})


def test_contact_with_invalid_mail_address_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="not a mail address"):
        make(
            plane,
            "alarmContact:AlarmContact",
            alarmContactName="two",
            describe="",
            channelsMail="not-an-address",
        )


def test_group_with_missing_contact_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="The contacts two do not exist"):
        make(
            plane,
            "alarmContactGroup:AlarmContactGroup",
            alarmContactGroupName="other",
            contacts=["two"],
        )
