"""Errors of the tools.

ToolError
├── StepError           a step of the set-up failed; has its log
├── MissingError        this machine lacks a program; has the line that installs it
└── StackError          the command cannot work on the stack now
"""

from __future__ import annotations

from pathlib import Path

_LAST_LINES = 15


class ToolError(Exception):
    """Base of the errors that the tools report without a traceback."""


class StepError(ToolError):
    """A step failed. The message has its name, its last log lines and its log file."""

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
    """This machine lacks a program."""


class StackError(ToolError):
    """The stack is in use, broken or does not exist."""
