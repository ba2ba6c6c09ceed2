"""What a night saves: `nightHours` says when GPU nodes are stopped.

Owns: the number of hours, and what is not billed in them. Does not own: stopping anything, nor
reading the key's full form (the program of `make night` does). In economical mode the vCPUs, memory
and GPU of a pay-as-you-go instance do not bill, spot ones included; its disks do
(https://help.aliyun.com/en/ecs/user-guide/economical-mode, read 2026-11-21).
"""

from __future__ import annotations

import re

from guardrails.cost.model import Line, Period

__all__ = ["can_stop", "off_hours_a_day", "saved_cny"]

# A node of a scaling group is not stopped: its group would replace it.
_STOPPED_AT_NIGHT = "alicloud:ecs/instance:Instance"

_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(\s|$)")


def off_hours_a_day(night_hours: str) -> float:
    """Hours a day from the first time to the second: `20:00-08:00 Asia/Shanghai` is 12.

    Returns:
        0 for an empty text, and for one of another form, which the configuration refuses elsewhere.
    """
    match = _HOURS.match(night_hours)
    if match is None:
        return 0.0
    from_hour, from_minute, to_hour, to_minute = (int(part) for part in match.groups()[:4])
    minutes = (to_hour * 60 + to_minute - from_hour * 60 - from_minute) % (24 * 60)
    return minutes / 60


def can_stop(line: Line) -> bool:
    """Whether `make night` stops what this line bills for."""
    return line.gpu and line.type == _STOPPED_AT_NIGHT and line.period is Period.ALWAYS


def saved_cny(lines: list[Line], hours: float) -> float:
    """CNY a month that are not billed if the GPU nodes stand still so many hours a day."""
    return sum(line.cny for line in lines if can_stop(line)) * hours / 24
