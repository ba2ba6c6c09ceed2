"""The provider accepts all values that a stack declares, and rejects every wrong value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from guardrails.declare import Declared, DeclareError, declare, refused_values
from guardrails.refusals import refusals
from provider_facts import PACKAGES, Shape, UnknownResourceTypeError, require_type, shown
from tests.support.stacks import STACKS, declared

ALARM = "alicloud:cms/alarm:Alarm"


def limited(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, Shape]]:
    """Yield each value that is given and known, and whose property has limited values."""
    if shape.values and not str(value).startswith("unknown-yet."):
        yield path, shape
    if isinstance(value, list) and shape.items is not None:
        for index, item in enumerate(value):
            yield from limited(item, shape.items, f"{path}[{index}]")
    if isinstance(value, dict):
        for name, item in value.items():
            if name in shape.properties:
                yield from limited(item, shape.properties[name], f"{path}.{name}")


def planted(inputs: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of the inputs with another value at a path."""
    changed = copy.deepcopy(inputs)
    keys = [
        int(key) if key.isdigit() else key
        for key in path.replace("]", "").replace("[", ".").split(".")
    ]
    target: Any = changed
    for key in keys[:-1]:
        target = target[key]
    target[keys[-1]] = value
    return changed


def wrong_value(shape: Shape) -> Any:
    """Return a value of the right type that the provider refuses."""
    if shape.type == "integer":
        return -(10**6)
    text = "not \x01 valid"
    return "x" * 5000 if any(values.accept(text) for values in shape.values) else text


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_accepts_every_value_of_a_stack(stack: str) -> None:
    assert refused_values(declared(stack)) == []


def test_a_wrong_value_in_any_limited_property_of_prod_is_refused() -> None:
    properties: set[tuple[str, str]] = set()
    for item in declared("prod"):
        if item.type.partition(":")[0] not in PACKAGES or item.existing:
            continue
        kind = require_type(item.type)
        for name, given in item.inputs.items():
            for path, shape in limited(given, kind.inputs[name], name):
                wrong = wrong_value(shape)
                found = refusals(item.type, planted(item.inputs, path, wrong))
                reasons = {failure.path: failure.reason for failure in found}
                allowed = ", or ".join(values.allowed() for values in shape.values)
                assert reasons[path] == f"is {shown(wrong)}; allowed: {allowed}"
                properties.add((item.type, path.replace("[1]", "[0]")))
    assert len(properties) >= 50


def test_an_alarm_operator_that_the_provider_does_not_know_is_refused() -> None:
    alarm = next(item for item in declared("dev") if item.type == ALARM)
    level = next(name for name in alarm.inputs if name.startswith("escalations"))
    path = f"{level}.comparisonOperator"
    wrong = replace(alarm, inputs=planted(alarm.inputs, path, "GreaterThanThreshold"))
    assert refused_values([wrong]) == [
        f'{ALARM} {alarm.name!r}: {path} is "GreaterThanThreshold"; allowed: >, >=, <, <=, !=, ==, '
        "GreaterThanYesterday, LessThanYesterday, GreaterThanLastWeek, LessThanLastWeek, "
        "GreaterThanLastPeriod, LessThanLastPeriod"
    ]


def test_the_error_names_the_property_the_value_and_what_is_allowed() -> None:
    with pytest.raises(DeclareError) as caught:
        declare("dev", config={"elasticsearchDataNodeSpec": "big"})
    assert str(caught.value).splitlines() == [
        "the cloud provider refuses what stack dev declares:",
        "  - alicloud:elasticsearch/instance:Instance 'search': dataNodeConfiguration.spec is "
        '"big"; allowed: a specification as elasticsearch.sn2ne.large',
    ]


def test_a_refused_secret_is_not_shown() -> None:
    (cluster,) = [
        item for item in declared("dev") if item.type == "alicloud:elasticsearch/instance:Instance"
    ]
    assert "password" in cluster.secrets
    wrong = replace(cluster, inputs={**cluster.inputs, "password": "hush"})
    (line,) = refused_values([wrong])
    assert "hush" not in line
    assert "password is a secret that is not valid; password takes a string (8 to 32" in line


def test_a_type_without_facts_does_not_pass_silently() -> None:
    resource = Declared(
        type="alicloud:rds/instance:Instance",
        name="database",
        urn="",
        parent="",
        component="database",
        inputs={"engine": "MySQL"},
    )
    with pytest.raises(UnknownResourceTypeError, match="alicloud:rds/instance:Instance"):
        refused_values([resource])
