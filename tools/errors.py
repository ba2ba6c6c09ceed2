"""What can go wrong in the tools.

ToolError
├── StepError           a step of the set-up failed; knows its log
├── MissingError        something of this machine is missing; knows the line that installs it
└── StackError          the stack cannot be worked on now
    └── LockedError     an engine that is alive is at work on it
"""

from __future__ import annotations

from pathlib import Path

_LAST_LINES = 15


class ToolError(Exception):
    """Base of everything that the tools report to the user without a traceback."""


class StepError(ToolError):
    """A step failed: names it, its last log lines and its log file."""

    def __init__(self, step: str, reason: str, log: Path | None = None) -> None:
        self.step = step
        self.log = log
        lines = [f"{step}: {reason}"]
        if log is not None and log.is_file():
            last = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
            lines += [f"  | {line}" for line in last]
            lines.append(f"  the whole log: {log}")
        super().__init__("\n".join(lines))


class MissingError(ToolError):
    """This machine lacks something."""


class StackError(ToolError):
    """The stack is locked, broken or not there."""


class LockedError(StackError):
    """An engine that is alive is at work on the stack."""
