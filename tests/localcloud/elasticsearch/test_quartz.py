"""When a schedule was last due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from localcloud.elasticsearch.quartz import ScheduleError, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "until", "expected"),
    [
        ("0 0 1 ? * * *", "2026-11-21T10:00:00", "2026-11-21T01:00:00"),
        ("0 0 1 ? * *", "2026-11-21T00:59:59", "2026-11-20T01:00:00"),
        ("0 0/30 * * * ?", "2026-11-21T10:29:59", "2026-11-21T10:00:00"),
        ("0 15 8-10 ? * MON-FRI", "2026-11-21T10:00:00", "2026-11-20T10:15:00"),
        ("0 0 12 1 JAN,JUL ?", "2026-11-21T00:00:00", "2026-07-01T12:00:00"),
        ("0 0 0 ? * 1", "2026-11-21T00:00:00", "2026-11-15T00:00:00"),
        ("* * * * * ?", "2026-11-21T10:00:00", "2026-11-21T10:00:00"),
    ],
)
def test_the_last_moment_due_is_told(expression: str, until: str, expected: str) -> None:
    found = parse(expression).last(at("2026-01-01T00:00:00"), at(until))
    assert found == at(expected)


def test_nothing_is_due_twice() -> None:
    due = at("2026-11-21T01:00:00")
    assert parse("0 0 1 ? * * *").last(due, at("2026-11-21T10:00:00")) is None


@pytest.mark.parametrize(
    "expression",
    ["0 1 * * *", "0 0 1 * * *", "0 0 1 L * ?", "61 0 1 ? * *", "0 0 1 ? * 6#3", "0 0/0 * * * ?"],
)
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        parse(expression)
