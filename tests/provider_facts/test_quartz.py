"""Quartz schedules: which ones are valid, and when one was last due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provider_facts.quartz import ScheduleError, check_schedule, last_due


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "until", "expected"),
    [
        ("0 0 1 ? * * *", "2026-11-21T10:00:00", "2026-11-21T01:00:00"),
        ("0 0 1 ? * *", "2026-11-21T00:59:59", "2026-11-20T01:00:00"),
        ("0 0/30 * * * ?", "2026-11-21T10:29:59", "2026-11-21T10:00:00"),
        ("0 15 8-10 ? * MON-FRI", "2026-11-21T10:00:00", "2026-11-20T10:15:00"),
        ("0 15 8-10 ? * 2-6", "2026-11-21T10:00:00", "2026-11-20T10:15:00"),
        ("0 0 12 1 JAN,JUL ?", "2026-11-21T00:00:00", "2026-07-01T12:00:00"),
        ("0 0 0 ? * 1", "2026-11-21T00:00:00", "2026-11-15T00:00:00"),
        ("0 0 0 ? * 7", "2026-11-21T00:00:00", "2026-11-21T00:00:00"),
        ("0 0 1 ? * 6#3", "2026-11-30T00:00:00", "2026-11-20T01:00:00"),
        ("0 0 1 ? * 6L", "2026-11-21T00:00:00", "2026-10-30T01:00:00"),
        ("0 0 1 L * ?", "2026-11-21T00:00:00", "2026-10-31T01:00:00"),
        ("0 0 1 15W * ?", "2026-11-21T00:00:00", "2026-11-16T01:00:00"),
        ("* * * * * ?", "2026-11-21T10:00:00", "2026-11-21T10:00:00"),
    ],
)
def test_the_last_due_moment_is_found(expression: str, until: str, expected: str) -> None:
    assert last_due(expression, at("2026-01-01T00:00:00"), at(until)) == at(expected)


def test_the_moment_that_was_due_before_is_not_due_again() -> None:
    due = at("2026-11-21T01:00:00")
    assert last_due("0 0 1 ? * * *", due, at("2026-11-21T10:00:00")) is None


def test_a_schedule_of_a_later_year_was_never_due() -> None:
    until = at("2026-11-21T10:00:00")
    assert last_due("0 0 1 ? * * 2090", at("2026-01-01T00:00:00"), until) is None


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 1 * * *", "has 5 fields; it must have six or seven"),
        ("0 0 1 * * *", r"must have \? as its fourth field"),
        ("0 0 1 ? * ?", "not as both"),
        ("61 0 1 ? * *", "out of range"),
        ("0 0 24 ? * *", "out of range"),
        ("0 0/0 * * * ?", "step '0'"),
        ("0 0 1 ? * 8", r"day of the week is 8; it must be 1 \(Sunday\) to 7"),
        ("0 0 1 ? * 0", "day of the week is 0"),
        ("0 0 one ? * *", "not acceptable"),
    ],
)
def test_an_invalid_schedule_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        check_schedule(expression)
