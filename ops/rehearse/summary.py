"""What a reviewer reads of a rehearsal: at most 80 columns.

Owns the wording and the layout. Runs nothing.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ops.engine import Change
from ops.rehearse.story import Step

__all__ = ["clock", "render", "step_lines"]

WIDTH = 80
_MARGIN = 17
_NARROW = "    "
_MOST_LINES = 40


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _wrapped(text: str, first: str = "", margin: int = _MARGIN) -> list[str]:
    lines = textwrap.wrap(
        text,
        width=WIDTH,
        initial_indent=f"{first:<{margin}}",
        subsequent_indent=" " * margin,
        break_on_hyphens=False,
        break_long_words=False,
    ) or [first]
    if max(map(len, lines)) <= WIDTH:
        return lines
    # An ARN is to be copied in one piece: it gets nearly the whole width.
    narrow = textwrap.wrap(
        text,
        width=WIDTH,
        initial_indent=_NARROW,
        subsequent_indent=_NARROW,
        break_on_hyphens=False,
    )
    return [first.rstrip(), *narrow] if first.strip() else narrow


def step_lines(step: Step, *, most: int = _MOST_LINES) -> list[str]:
    """One step: what it showed, or what went wrong.

    Args:
        step: The step.
        most: Lines of what it told, before they are wrapped.
    """
    mark = "ok  " if step.ended_well else "FAIL"
    head = f"{mark} {step.name:<16}{clock(step.seconds):>6}  "
    told = [line for text in step.told for line in text.splitlines()] or [""]
    lines = _wrapped(told[0], head, len(head))
    for text in told[1:most]:
        lines += _wrapped(text, "", len(head))
    if len(told) > most > 1:
        lines.append(f"{'':<{len(head)}}and {len(told) - most} lines more in its log")
    return lines


def product(resource_type: str) -> str:
    """`alicloud:oss/bucket:Bucket` is of `alicloud oss`."""
    provider, _, rest = resource_type.partition(":")
    return f"{provider} {rest.partition(':')[0].partition('/')[0]}".strip()


def _inventory(changes: Iterable[Change]) -> list[str]:
    counts = Counter(product(change.type) for change in changes if change.operation == "create")
    told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return _wrapped(told, "  resources") if told else []


def render(
    stack: str,
    steps: Sequence[Step],
    *,
    replaced: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> str:
    """The whole summary.

    Args:
        stack: The stack that was rehearsed.
        steps: What was done.
        replaced: What was replaced of the declared values, as `ops.rehearse.overlay` wrote it.
        declared: The values that stayed as declared, by key without namespace.
        outputs: The stack's outputs when it was up.
    """
    well = all(step.ended_well for step in steps) and bool(steps)
    seconds = sum(step.seconds for step in steps)
    lines = [
        "=" * WIDTH,
        f"Rehearsal of {stack}: {'ended well' if well else 'FAILED'}, in {clock(seconds)}",
        "On the local cloud; no account was touched, and none could be.",
        "=" * WIDTH,
    ]
    lines += _wrapped(
        f"{len(declared)} values as declared; {len(replaced)} replaced:", "configuration"
    )
    for item in replaced:
        lines += _wrapped(f"{item['key']}: {item['why']}", "")
    for step in steps:
        if step.outcome is not None and step.name in ("up", "preview"):
            lines += _inventory(step.outcome.changes)
    training = outputs.get("training") or {}
    if training:
        questions = training.get("questions") or {}
        lines += _wrapped(
            f"kept the {training.get('kept', '?')} model, {questions.get('train', '?')} questions "
            f"trained on, {questions.get('test', '?')} held out",
            "  training",
        )
    lines.append("-" * WIDTH)
    for step in steps:
        lines += step_lines(step)
    return "\n".join(line.rstrip() for line in lines)
