"""Comparison of inputs with the state, without a daemon."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.alicloud.diff import Change, diff
from pluginhost import UNKNOWN, Secret
from provider_facts import resource_type

BUCKET, SWITCH, ROLE = "oss/bucket:Bucket", "vpc/switch:Switch", "ram/role:Role"


def changes(
    token: str,
    old: dict[str, Any],
    new: dict[str, Any],
    state: dict[str, Any] | None = None,
    ignored: frozenset[str] = frozenset(),
) -> list[Change]:
    kind = resource_type(f"alicloud:{token}")
    assert kind is not None
    return diff(kind, old, old if state is None else state, new, ignored)


SAME = {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24", "zoneId": "cn-hangzhou-h"}


def test_equal_inputs_do_not_differ() -> None:
    assert changes(SWITCH, SAME, dict(SAME)) == []


def test_a_value_that_the_cloud_fills_in_does_not_differ() -> None:
    state = {**SAME, "vswitchName": "", "status": "Available", "availabilityZone": "cn-hangzhou-h"}
    assert changes(SWITCH, SAME, SAME, state) == []


@pytest.mark.parametrize(
    ("name", "value", "replaces"),
    [("zoneId", "cn-hangzhou-i", True), ("vswitchName", "b", False), ("description", "c", False)],
)
def test_facts_say_what_replaces(name: str, value: str, replaces: bool) -> None:
    kind = "update" if name in SAME else "add"
    assert changes(SWITCH, SAME, SAME | {name: value}) == [Change(name, kind, replaces)]  # type: ignore[arg-type]


def test_an_input_that_is_no_longer_declared_is_deleted() -> None:
    old = SAME | {"description": "x"}
    assert changes(SWITCH, old, SAME) == [Change("description", "delete", False)]


def test_a_computed_input_that_is_no_longer_declared_stays() -> None:
    assert changes(SWITCH, SAME | {"vswitchName": "x"}, SAME) == []


def test_drift_in_the_state_is_a_difference() -> None:
    state = SAME | {"description": "changed by hand"}
    old = SAME | {"description": "declared"}
    assert changes(SWITCH, old, old, state) == [Change("description", "update", False)]


def test_an_unknown_value_may_differ() -> None:
    assert changes(SWITCH, SAME, SAME | {"vpcId": UNKNOWN}) == [Change("vpcId", "update", True)]


def test_secrets_are_compared_by_value() -> None:
    assert changes(SWITCH, SAME | {"description": Secret("a")}, SAME | {"description": "a"}) == []


def test_ignored_changes_do_not_count() -> None:
    new = SAME | {"description": "x"}
    assert changes(SWITCH, SAME, new, ignored=frozenset({"description"})) == []


def test_a_tag_is_named_by_its_key() -> None:
    assert changes(
        SWITCH, SAME | {"tags": {"a": "1", "b": "2"}}, SAME | {"tags": {"a": "1", "b": "3"}}
    ) == [Change("tags.b", "update", False)]


def test_a_nested_property_is_named_by_its_path() -> None:
    old = {"lifecycleRules": [{"enabled": True, "prefix": "a/", "id": "made-up"}]}
    new = {"lifecycleRules": [{"enabled": False, "prefix": "a/"}]}
    assert changes(BUCKET, old, new) == [Change("lifecycleRules[0].enabled", "update", False)]


def test_an_added_entry_is_an_addition() -> None:
    rule = {"enabled": True, "prefix": "a/"}
    assert changes(BUCKET, {"lifecycleRules": [rule]}, {"lifecycleRules": [rule, rule]}) == [
        Change("lifecycleRules[1]", "add", False)
    ]


def test_sets_are_compared_without_their_order() -> None:
    token = "pai/workspaceWorkspace:WorkspaceWorkspace"
    old, new = {"envTypes": ["dev", "prod"]}, {"envTypes": ["prod", "dev"]}
    assert changes(token, old, new) == []
    assert changes(token, old, {"envTypes": ["prod"]}) == [Change("envTypes", "update", True)]


def test_empty_and_missing_are_the_same() -> None:
    assert changes(SWITCH, SAME, SAME | {"tags": {}}) == []


def test_policies_are_compared_as_json() -> None:
    old = {"assumeRolePolicyDocument": '{"Version": "1", "Statement": []}'}
    new = {"assumeRolePolicyDocument": '{"Statement":[],"Version":"1"}'}
    assert changes(ROLE, old, new) == []


def test_text_that_is_not_json_is_compared_as_text() -> None:
    old, new = {"description": "{a"}, {"description": "{b"}
    assert changes(ROLE, old, new) == [Change("description", "update", False)]
