"""The facts cover the types in use, and every value that they name is really refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from localcloud.alicloud.check import Support, check
from provider_facts import (
    PACKAGES,
    Shape,
    UnknownResourceTypeError,
    check_inputs,
    require_type,
    resource_type,
    type_tokens,
)
from tools.alicloud_values import WITHOUT_VALUES, ValuesError, add_values
from tools.cloudflare_facts import TYPES as CLOUDFLARE_TYPES

TOKENS = tuple(token for package in PACKAGES for token in type_tokens(package))


def limited(shapes: Mapping[str, Shape], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every property with limited values; `[]` stands for an entry of a list."""
    for name, shape in shapes.items():
        here = (*path, name)
        inner = shape
        if shape.type == "list" and shape.items is not None:
            here, inner = (*here, "[]"), shape.items
        if inner.values:
            yield here
        yield from limited(inner.properties, here)


def shape_at(shapes: Mapping[str, Shape], path: tuple[str, ...]) -> Shape:
    shape = shapes[path[0]]
    for name in path[1:]:
        inner = shape.items if name == "[]" else shape.properties[name]
        assert inner is not None
        shape = inner
    return shape


def nested(path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    inner = nested(path[1:], value)
    return [inner] if path[0] == "[]" else {path[0]: inner}


def shown_path(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[]", "[0]")


def wrong_value(shape: Shape) -> Any:
    """Return a value of the right type that no alternative accepts."""
    if shape.type in ("integer", "number"):
        candidates: tuple[Any, ...] = (-(10**6), 10**6 + 7)
    else:
        candidates = ("not \x01 valid", "", "x" * 5000)
    for value in candidates:
        if not any(values.accept(value) for values in shape.values):
            return value
    raise AssertionError(f"every candidate is accepted by {shape.values}")


LIMITED = [
    (token, path)
    for token in TOKENS
    for path in limited(require_type(token).inputs)
]  # fmt: skip


@pytest.mark.parametrize(
    ("token", "path"),
    LIMITED,
    ids=[f"{token.rpartition(':')[2]}.{shown_path(path)}" for token, path in LIMITED],
)
def test_a_wrong_value_of_every_limited_property_is_refused_by_both(
    token: str, path: tuple[str, ...]
) -> None:
    kind = require_type(token)
    shape = shape_at(kind.inputs, path)
    value = wrong_value(shape)
    inputs = nested(path, value)
    support = Support(frozenset(kind.inputs), frozenset())
    for failures in (check_inputs(kind, inputs), check(kind, inputs, support)[1]):
        reasons = {failure.path: failure.reason for failure in failures}
        reason = reasons[shown_path(path)]
        assert reason.startswith("is ")
        assert reason.endswith("; allowed: " + ", or ".join(v.allowed() for v in shape.values))


def test_more_than_twenty_properties_are_limited() -> None:
    assert len(LIMITED) > 250


def test_a_type_without_limited_values_is_listed() -> None:
    limited_types = {token for token, _ in LIMITED}
    listed = {*WITHOUT_VALUES, *CLOUDFLARE_TYPES}
    assert set(TOKENS) - limited_types == listed


def test_a_type_without_facts_is_an_error() -> None:
    assert resource_type("alicloud:rds/instance:Instance") is None
    with pytest.raises(UnknownResourceTypeError, match=r"add it to TYPES in tools/alicloud_facts"):
        require_type("alicloud:rds/instance:Instance")


@pytest.mark.parametrize(
    ("token", "values", "message"),
    [
        ("alicloud:x/y:Y", {"gone": {"one_of": ["a"]}}, "has no input gone"),
        ("alicloud:x/y:Y", {"name": {"message": "be nice"}}, "add the rule that it means"),
        ("alicloud:x/y:Y", {}, "has 0 inputs with known values; correct WITHOUT_VALUES"),
        (WITHOUT_VALUES[0], {"name": {"length": [1, 2]}}, "has 1 inputs with known values"),
    ],
)
def test_the_generator_refuses_a_check_that_it_cannot_carry_over(
    token: str, values: dict[str, Any], message: str
) -> None:
    reference = {"name": {"terraform": "name"}}
    with pytest.raises(ValuesError, match=message):
        add_values(token, {"name": {"type": "string"}}, reference, values)
