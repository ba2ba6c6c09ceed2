"""Schedules in Quartz's form: seconds first, Sunday is day 1, and one of the two days is `?`. Pure.

Owns the differences between Quartz and the cron expressions that croniter reads. Source:
https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html (read
2026-11).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from croniter import CroniterBadDateError, CroniterError, croniter

__all__ = ["ScheduleError", "check_schedule", "last_due"]

_DAY_OF_MONTH, _DAY_OF_WEEK = 3, 5
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_EXAMPLE: Final = "0 0 1 ? * * * is every day at 01:00"


class ScheduleError(ValueError):
    """The expression is not valid; the message says why, without the expression itself."""


def check_schedule(expression: str) -> None:
    """Check an expression of six or seven fields.

    Raises:
        ScheduleError: It is not valid.
    """
    _converted(expression)


def last_due(expression: str, after: datetime, until: datetime) -> datetime | None:
    """Return the last moment that was due after `after` and not after `until`.

    Args:
        expression: The schedule.
        after: Exclusive.
        until: Inclusive, with a time zone.

    Returns:
        None when nothing was due.

    Raises:
        ScheduleError: The expression is not valid.
    """
    # croniter looks for a moment strictly before the given one.
    start = until.replace(microsecond=0) + timedelta(seconds=1)
    try:
        due: datetime = croniter(_converted(expression), start, second_at_beginning=True).get_prev(
            datetime
        )
    except CroniterBadDateError:
        return None
    return due if due > after else None


def _converted(expression: str) -> str:
    """Return the expression as croniter reads it.

    Raises:
        ScheduleError: It is not valid.
    """
    fields = expression.upper().split()
    if len(fields) not in (6, 7):
        raise ScheduleError(
            f"it has {len(fields)} fields; it must have six or seven, seconds first: {_EXAMPLE}"
        )
    if (fields[_DAY_OF_MONTH] == "?") == (fields[_DAY_OF_WEEK] == "?"):
        raise ScheduleError(
            f"it must have ? as its fourth field (day of the month) or as its sixth "
            f"(day of the week), and not as both: {_EXAMPLE}"
        )
    fields[_DAY_OF_WEEK] = ",".join(map(_weekday, fields[_DAY_OF_WEEK].split(",")))
    converted = " ".join(fields)
    try:
        croniter(converted, second_at_beginning=True)
    except CroniterError as error:
        raise ScheduleError(f"{error}; {_EXAMPLE}") from error
    return converted


def _weekday(part: str) -> str:
    """Return one entry of the day of the week: croniter counts from 0, and writes `6L` as `L5`."""
    days, slash, step = part.partition("/")
    numbers, mark, week = days.partition("#")
    last = re.fullmatch(r"([1-7])L", numbers)
    named = f"L{int(last[1]) - 1}" if last else re.sub(r"\d+", _day_name, numbers)
    return named + mark + week + slash + step


def _day_name(found: re.Match[str]) -> str:
    number = int(found[0])
    if not 1 <= number <= len(_DAYS):
        raise ScheduleError(
            f"the day of the week is {number}; it must be 1 (Sunday) to 7 (Saturday)"
        )
    return _DAYS[number - 1]
