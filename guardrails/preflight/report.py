"""The report: as text of 80 columns, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from guardrails.preflight.result import Line, Verdict

__all__ = ["as_json", "one_line", "render", "tally"]

_VERSION = 1
_WIDTH = 80
_INDENT = " " * 6


def render(stack: str, lines: Sequence[Line]) -> str:
    """Return the report as text: a line for each finding and, below it, what to do."""
    told = [f"Preflight of stack {stack}", ""]
    for line in lines:
        about = f" {line.about}" if line.about else ""
        told += textwrap.wrap(
            f"{line.verdict}  {line.check}{about}: {line.found}",
            width=_WIDTH,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if line.do:
            told += textwrap.wrap(
                f"-> {line.do}",
                width=_WIDTH,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT + "   ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    counts = tally(lines)
    told += ["", ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)]
    return "\n".join(told) + "\n"


def as_json(stack: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Return the report for programs.

    Returns:
        `version` of this format, `stack`, `ok` (nothing fails), `counts` by verdict, `lines`.
        docs/reference/preflight.md describes it. A key that is removed or changes its meaning
        raises the version.
    """
    counts = tally(lines)
    return {
        "version": _VERSION,
        "stack": stack,
        "ok": not counts[Verdict.FAIL],
        "counts": {str(verdict): count for verdict, count in counts.items()},
        "lines": [{"check": line.check, **vars(line)} for line in lines],
    }


def one_line(line: Line) -> str:
    """Return a finding and its remedy in one line, without the verdict."""
    about = f" {line.about}" if line.about else ""
    return f"preflight, {line.check}{about}: {line.found}" + (f"; {line.do}" if line.do else "")


def tally(lines: Sequence[Line]) -> dict[Verdict, int]:
    """Return the number of lines with each verdict."""
    return {verdict: sum(line.verdict is verdict for line in lines) for verdict in Verdict}
