"""Accepted values of one property, and how a refused one is shown."""

from __future__ import annotations

from typing import Any

import pytest

from provider_facts import NOT_KNOWN, Hidden, Values, shown
from provider_facts.values import allowed


@pytest.mark.parametrize(
    ("entry", "accepted", "refused", "text"),
    [
        ({"one_of": ["a", ""]}, ["a", ""], ["b", 1], 'a, ""'),
        ({"one_of": [0, 3]}, [0, 3, 3.0], [1, "3"], "0, 3"),
        ({"minimum": 1, "maximum": 9}, [1, 9, "5", 1.5], [0, 10, "x", True], "1 to 9"),
        ({"minimum": 1}, [1, 10**9], [0], "at least 1"),
        ({"maximum": 9}, [-1, 9], [10], "at most 9"),
        ({"shortest": 2, "longest": 4}, ["ab", "abcd"], ["a", "abcde"], "2 to 4 characters"),
        ({"pattern": "a+"}, ["a", "aa"], ["ab", "", 1], "text that matches a+"),
        ({"pattern": "a+", "text": "the letter a"}, ["a"], ["b"], "the letter a"),
        ({"format": "json"}, ["{}", "1"], ["{", ""], "JSON text"),
        ({"format": "date"}, ["2026-11-29"], ["20261129", "2026-13-01"], "a date as YYYY-MM-DD"),
        ({"format": "ip"}, ["10.0.0.1", "::1"], ["10.0.0", "host"], "an IP address"),
    ],
)
def test_values_are_accepted_refused_and_described(
    entry: dict[str, Any], accepted: list[Any], refused: list[Any], text: str
) -> None:
    values = Values.of(entry)
    assert [item for item in accepted if not values.accept(item)] == []
    assert [item for item in refused if values.accept(item)] == []
    assert values.allowed() == text


def test_alternatives_are_described_together() -> None:
    alternatives = [Values(minimum=1, maximum=9), Values(one_of=(12, 24))]
    assert allowed(alternatives) == "1 to 9, or 12, 24"


def test_a_long_value_is_shortened() -> None:
    assert len(shown("x" * 500)) == 80


def test_secrets_and_unknown_values_are_not_shown() -> None:
    value = {"a": Hidden("hush"), "b": NOT_KNOWN}
    assert shown(value) == '{"a": "(secret)", "b": "(not known yet)"}'
    assert shown(Hidden("hush")) == "a secret"
