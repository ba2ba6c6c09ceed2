"""What a night saves: `nightHours` sets when GPU nodes are stopped.

Owns: the number of hours, and what is not billed during them. Does not own: stopping anything, or
validating the key (`ops.night` does). In economical mode the vCPUs, memory and GPU of a
pay-as-you-go or spot instance are not billed, but its disks are
(https://help.aliyun.com/en/ecs/user-guide/economical-mode, read 2026-11-21).
"""

from __future__ import annotations

import re

from guardrails.cost.model import Line, Period

__all__ = ["can_stop", "off_hours_a_day", "saved_cny"]

# Nodes of a scaling group are not stopped, because the group would replace them.
_STOPPED_AT_NIGHT = "alicloud:ecs/instance:Instance"

_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(\s|$)")


def off_hours_a_day(night_hours: str) -> float:
    """Return the hours a day between the two times: `20:00-08:00 Asia/Shanghai` is 12.

    Returns:
        0 for an empty text. Also 0 for a text that is not valid, which the configuration rejects.
    """
    match = _HOURS.match(night_hours)
    if match is None:
        return 0.0
    from_hour, from_minute, to_hour, to_minute = (int(part) for part in match.groups()[:4])
    minutes = (to_hour * 60 + to_minute - from_hour * 60 - from_minute) % (24 * 60)
    return minutes / 60


def can_stop(line: Line) -> bool:
    """Return whether `make night` stops the machine of this line."""
    return line.gpu and line.type == _STOPPED_AT_NIGHT and line.period is Period.ALWAYS


def saved_cny(lines: list[Line], hours: float) -> float:
    """Return the CNY a month saved if the GPU nodes are stopped for these hours a day."""
    return sum(line.cny for line in lines if can_stop(line)) * hours / 24
