"""Locks of a stack, as the CLI reports them when it refuses a command.

Owns telling a lock that an engine holds from one that a killed engine has left. Removing one is
`ops.engine`'s. CLI 3.259 writes, for a backend in files or in a bucket:
`currently locked by … created by USER@HOST (pid 7) at TIME`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["PULL_REQUEST_LOCK", "is_locked", "is_stale_lock"]

# What the CLI says of a lock file that a killed engine left empty.
_EMPTY = "unexpected end of JSON input"
_LOCK = re.compile(r"created by \S*@(\S*) \(pid (\d+)\)(?: at (\S+))?")
PULL_REQUEST_LOCK = timedelta(hours=4)
"""Longer than any job on a pull request's stack runs (`timeout-minutes` of the workflows)."""


def is_locked(text: str) -> bool:
    """Whether the CLI refused a command because the stack is locked."""
    return "currently locked by" in text


def is_stale_lock(
    text: str,
    host: str = "",
    runs: Callable[[int], bool] | None = None,
    *,
    any_host: bool = False,
    longest: timedelta | None = None,
    now: datetime | None = None,
) -> bool:
    """Whether the CLI refused a command only because of locks that no engine holds any more.

    Those are locks of this machine whose engines are gone, and locks that are older than `longest`.

    Args:
        text: The CLI's output.
        host: This machine's name; by default it is looked up.
        runs: Returns whether an engine runs under a process id; by default it looks.
        any_host: The backend is on this machine, so every lock is of this machine, even if the
            machine has a new name.
        longest: No engine holds a lock longer than this; by default there is no limit.
        now: The current time; by default the clock's.
    """
    locks = _LOCK.findall(text)
    here, alive = host or socket.gethostname(), runs or _engine_runs
    moment = now or datetime.now(UTC)
    if any_host and _EMPTY in text:
        return True
    return (
        is_locked(text)
        and bool(locks)
        and all(
            ((any_host or where == here) and not alive(int(pid)))
            or (longest is not None and _age(since, moment) > longest)
            for where, pid, since in locks
        )
    )


def _age(since: str, now: datetime) -> timedelta:
    """Return the age of a lock; a lock without a time counts as new."""
    try:
        return now - datetime.fromisoformat(since).astimezone(UTC)
    except ValueError:
        return timedelta()


def _engine_runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").startswith("pulumi")
    except FileNotFoundError:
        # There is no such process, or no /proc at all, as on macOS.
        return not Path("/proc/self").exists()
