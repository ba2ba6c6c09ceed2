"""Property values as plain Python and back."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN as WIRE_UNKNOWN

from pluginhost import (
    UNKNOWN,
    ProviderError,
    Secret,
    contains_unknown,
    decode,
    decode_map,
    encode,
    encode_map,
    reveal,
)

VALUES: list[Any] = [
    None,
    True,
    1.5,
    "text",
    ["a", [1.0]],
    {"a": {"b": None}},
    UNKNOWN,
    Secret("hush"),
    Secret({"a": [UNKNOWN]}),
    {"a": Secret("hush")},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_survives_the_round_trip(value: Any) -> None:
    wire = PropertyValue.marshal_map(encode_map({"value": value}))
    assert decode_map(PropertyValue.unmarshal_map(wire), keep_secrets=True) == {"value": value}


def test_an_int_is_encoded_as_a_float() -> None:
    assert decode(encode(3)) == 3.0


def test_secrets_are_plain_unless_kept() -> None:
    assert decode(encode({"a": Secret("hush")})) == {"a": "hush"}


def test_named_values_are_marked_secret() -> None:
    encoded = encode_map({"a": "hush", "b": "open"}, secrets={"a", "absent"})
    assert decode_map(encoded, keep_secrets=True) == {"a": Secret("hush"), "b": "open"}


def test_the_engines_unknown_is_decoded_as_unknown() -> None:
    assert decode(PropertyValue(WIRE_UNKNOWN)) is UNKNOWN


def test_an_unknown_cannot_be_a_condition() -> None:
    with pytest.raises(TypeError, match="is UNKNOWN"):
        bool(UNKNOWN)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (UNKNOWN, True),
        ({"a": [1.0, UNKNOWN]}, True),
        (Secret({"a": UNKNOWN}), True),
        ({"a": [1.0, "b"]}, False),
    ],
)
def test_an_unknown_is_found_at_any_depth(value: Any, expected: bool) -> None:
    assert contains_unknown(value) is expected


def test_the_repr_of_a_secret_hides_its_value() -> None:
    assert "hush" not in repr({"a": Secret("hush")})


def test_reveal_removes_secrets_at_any_depth() -> None:
    assert reveal({"a": [Secret(Secret("hush"))]}) == {"a": ["hush"]}


@pytest.mark.parametrize(
    "value",
    [pulumi.FileArchive("."), pulumi.FileAsset("a.txt"), pulumi.StringAsset("content")],
    ids=lambda value: type(value).__name__,  # the same in every process, for pytest-xdist
)
def test_archives_and_assets_are_refused(value: Any) -> None:
    with pytest.raises(ProviderError, match=f"a {type(value).__name__} is not supported"):
        decode(PropertyValue(value))


def test_a_type_without_a_property_value_is_refused() -> None:
    with pytest.raises(TypeError, match="a set cannot be a property value"):
        encode({"a": {1, 2}})
