"""Schedules as Quartz writes them, as far as a snapshot schedule needs them. Pure.

Owns reading an expression and telling when it was last due. Seconds, minutes, hours, days of the
month, months, days of the week (1 is Sunday) and years, each as ``*``, ``?``, numbers, names,
ranges, steps and lists of these; ``L``, ``W`` and ``#`` are refused.
Source: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
(read 2026-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

__all__ = ["Schedule", "ScheduleError", "parse"]

_LONGEST: Final = timedelta(days=370)
_MONTHS: Final = [
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
]
_DAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: Final[tuple[tuple[str, int, int], ...]] = (
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("days", 1, 31),
    ("months", 1, 12),
    ("weekdays", 1, 7),
    ("years", 1970, 2199),
)
_NAMES: Final = {"months": _MONTHS, "weekdays": _DAYS}


class ScheduleError(ValueError):
    """The expression cannot be read; names the field."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When something is due: the numbers of each field; None for any."""

    seconds: frozenset[int] | None
    minutes: frozenset[int] | None
    hours: frozenset[int] | None
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None
    years: frozenset[int] | None = None

    def last(self, after: datetime, until: datetime) -> datetime | None:
        """The last moment it was due after ``after`` and not after ``until``; None for none."""
        after = max(after, until - _LONGEST)
        day = until
        while day.date() >= after.date():
            if self._on(day):
                for moment in self._moments(day):
                    if after < moment <= until:
                        return moment
            day -= timedelta(days=1)
        return None

    def _on(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7 + 1
        return (
            _fits(self.years, day.year)
            and _fits(self.months, day.month)
            and _fits(self.days, day.day)
            and _fits(self.weekdays, weekday)
        )

    def _moments(self, day: datetime) -> list[datetime]:
        """Every moment of a day, the last first."""
        start = day.replace(hour=0, minute=0, second=0, microsecond=0)
        return [
            start + timedelta(hours=hour, minutes=minute, seconds=second)
            for hour in _down(self.hours, 23)
            for minute in _down(self.minutes, 59)
            for second in _down(self.seconds, 59)
        ]


def parse(expression: str) -> Schedule:
    """Read an expression of six or seven fields.

    Raises:
        ScheduleError: It cannot be read.
    """
    texts = expression.split()
    if len(texts) not in (6, 7):
        raise ScheduleError(f"{expression!r} has {len(texts)} fields; it must have six or seven")
    values = {
        name: _field(name, low, high, text)
        for (name, low, high), text in zip(_FIELDS, texts, strict=False)
    }
    if texts[3] != "?" and texts[5] != "?":
        raise ScheduleError(f"{expression!r} must have ? as its fourth or its sixth field")
    return Schedule(**{"years": None, **values})


def _field(name: str, low: int, high: int, text: str) -> frozenset[int] | None:
    if text in ("*", "?"):
        return None
    found: set[int] = set()
    for part in text.upper().split(","):
        match = re.fullmatch(r"(\*|[A-Z0-9]+)(?:-([A-Z0-9]+))?(?:/(\d+))?", part)
        if match is None:
            raise ScheduleError(f"{name} is {text!r}, which is not supported")
        first, last, step = match.groups()
        begin = low if first == "*" else _number(name, first, text)
        end = _number(name, last, text) if last else high if step or first == "*" else begin
        if not low <= begin <= end <= high or step == "0":
            raise ScheduleError(f"{name} is {text!r}; it takes {low} to {high}")
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(name: str, word: str, text: str) -> int:
    if word.isdigit():
        return int(word)
    names = _NAMES.get(name, [])
    if word not in names:
        raise ScheduleError(f"{name} is {text!r}, which is not supported")
    return names.index(word) + 1


def _fits(values: frozenset[int] | None, value: int) -> bool:
    return values is None or value in values


def _down(values: frozenset[int] | None, high: int) -> list[int]:
    return sorted(range(high + 1) if values is None else values, reverse=True)
