"""Shortens the progress that `pulumi` prints where there is no terminal.

Owns which lines of its plain display are left out. Pulumi writes a line for each change of a
resource's status, which for a job is every second, and dots while it waits. The first and the last
line of each resource stay, and everything that is not progress.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator

__all__ = ["thin"]

EVERY_SECONDS = 20.0
"""How often a resource that is still at work is shown."""
_DOTS = re.compile(r"^@ \w+( \w+)?\.+[\s.]*$")
_AT_WORK = re.compile(
    r"^[ +~\-=><]{4}(?P<type>[\w:-]+) +(?P<name>\S+) \w+ing( \w+)* \(\d+s\)(?P<message>.*)$"
)
_ERROR = re.compile(r"\b(error|warning):")


def thin(lines: Iterable[str], clock: Callable[[], float] = time.monotonic) -> Iterator[str]:
    """Leave out progress that says nothing new, or comes too soon.

    Args:
        lines: What is printed, line by line.
        clock: Tells the seconds; another one for tests.
    """
    shown: dict[tuple[str, str], float] = {}
    blank = False
    for line in lines:
        if _DOTS.match(line):
            continue
        # Dots are set off by blank lines, of which one is enough.
        is_blank = not line.strip()
        if is_blank and blank:
            continue
        blank = is_blank
        at_work = _AT_WORK.match(line)
        if at_work and not _ERROR.search(at_work["message"]):
            key = (at_work["type"], at_work["name"])
            now = clock()
            if key in shown and now - shown[key] < EVERY_SECONDS:
                continue
            shown[key] = now
        yield line
