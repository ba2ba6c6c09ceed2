"""The hours of the night, such as `20:00-08:00 Asia/Shanghai`. Pure.

`stack_config.operations` refuses other forms before anything is created.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Night", "NightError"]

_FORM = re.compile(r"(\d{2}:\d{2})-(\d{2}:\d{2}) (\S+)")


class NightError(ValueError):
    """The hours have another form."""


@dataclass(frozen=True, kw_only=True)
class Night:
    """The hours of a night.

    Attributes:
        begin: When it begins, on the clocks of `zone`.
        end: When it ends; on the next day if it is before `begin`.
        zone: A zone of the time zone database.
    """

    begin: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> Night:
        """Read `20:00-08:00 Asia/Shanghai`.

        Raises:
            NightError: It has another form, or the hours or the time zone do not exist.
        """
        match = _FORM.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError(text)
            begin, end, zone = match.groups()
            return cls(
                begin=time.fromisoformat(begin), end=time.fromisoformat(end), zone=ZoneInfo(zone)
            )
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise NightError(
                f"customrag:nightHours is {text!r}; give from-to and a time zone, such as "
                "20:00-08:00 Asia/Shanghai"
            ) from error

    def holds(self, at: datetime) -> bool:
        """Whether it is night at a time; the end of the night is day."""
        clock = at.astimezone(self.zone).time()
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end
