"""How long a night is, as far as money goes: `nightHours` says when GPU nodes are stopped.

Owns: the number of hours. Does not own: stopping anything, nor reading the key's full form (the
program of `make night` does).
"""

from __future__ import annotations

import re

__all__ = ["off_hours_a_day"]

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
