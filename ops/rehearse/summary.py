"""The report of a rehearsal for a reviewer, at most 80 columns wide.

Owns the wording and the layout. Runs nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ops.events import products
from ops.rehearse.story import Step
from ops.terminal import WIDTH, block, clock

__all__ = ["render", "step_lines"]

_MARGIN = 17
_NARROW = "    "
_MOST_LINES = 40


def _wrapped(text: str, first: str = "", margin: int = _MARGIN) -> list[str]:
    lines = block(first, text, margin) or [first]
    if max(map(len, lines)) <= WIDTH:
        return lines
    # An ARN stays in one piece, to be copied: it gets nearly the whole width.
    narrow = textwrap.wrap(
        text,
        width=WIDTH,
        initial_indent=_NARROW,
        subsequent_indent=_NARROW,
        break_on_hyphens=False,
    )
    return [first.rstrip(), *narrow] if first.strip() else narrow


def step_lines(step: Step, *, most: int = _MOST_LINES) -> list[str]:
    """Return the lines of one step: what it showed, or what went wrong.

    Args:
        step: The step.
        most: Lines to show at most, before they are wrapped.
    """
    mark = "ok  " if step.ended_well else "FAIL"
    head = f"{mark} {step.name:<16}{clock(step.seconds):>6}  "
    shown = [line for text in step.lines for line in text.splitlines()] or [""]
    lines = _wrapped(shown[0], head, len(head))
    for text in shown[1:most]:
        lines += _wrapped(text, "", len(head))
    if len(shown) > most > 1:
        lines.append(f"{'':<{len(head)}}and {len(shown) - most} more lines in its log")
    return lines


def render(
    stack: str,
    steps: Sequence[Step],
    *,
    replaced: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> str:
    """Return the whole summary.

    Args:
        stack: The rehearsed stack.
        steps: The steps that were carried out.
        replaced: The replaced values, as `ops.rehearse.overlay` wrote them.
        declared: The values that were not replaced, by key without namespace.
        outputs: The stack's outputs when it was up.
    """
    well = all(step.ended_well for step in steps) and bool(steps)
    seconds = sum(step.seconds for step in steps)
    lines = [
        "=" * WIDTH,
        f"Rehearsal of {stack}: {'ended well' if well else 'FAILED'}, in {clock(seconds)}",
        "It ran on the local cloud and touched no account.",
        "=" * WIDTH,
    ]
    lines += _wrapped(
        f"{len(declared)} values as declared; {len(replaced)} replaced:", "configuration"
    )
    for item in replaced:
        lines += _wrapped(f"{item['key']}: {item['why']}", "")
    for step in steps:
        if step.outcome is not None and step.name in ("up", "preview"):
            created = products(step.outcome.changes)
            lines += _wrapped(created, "  resources") if created else []
    training = outputs.get("training") or {}
    if training:
        questions = training.get("questions") or {}
        lines += _wrapped(
            f"kept the {training.get('kept', '?')} model, {questions.get('train', '?')} questions "
            f"for training, {questions.get('test', '?')} held out",
            "  training",
        )
    lines.append("-" * WIDTH)
    for step in steps:
        lines += step_lines(step)
    return "\n".join(line.rstrip() for line in lines)
