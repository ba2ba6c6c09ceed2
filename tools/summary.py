"""What `make up` says at its end.

Owns the wording and the tables, from the update's events and the stack's outputs; at most 80
columns. Asks nothing and measures nothing itself.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from tools.events import CHANGES, Update
from tools.progress import WIDTH

METRICS = ("recall@5", "recall@10", "mrr@10", "ndcg@10")
_HEADINGS = ("recall@5", "recall@10", "MRR@10", "nDCG@10")
_MARGIN = 11
_MOST_SET_ASIDE = 5
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _block(heading: str, text: str) -> str:
    return textwrap.fill(
        text,
        width=WIDTH,
        initial_indent=f"{heading:<{_MARGIN}}",
        subsequent_indent=" " * _MARGIN,
        break_long_words=False,
        break_on_hyphens=False,
    )


def times(update: Update, setup: Mapping[str, float], total_seconds: float) -> str:
    """Time by phase: steps of the set-up run side by side, so they do not add up."""
    parts = [f"{name} {clock(seconds)}" for name, seconds in setup.items() if seconds >= 1]
    parts += [f"{name} {clock(seconds)}" for name, seconds in update.phases.items() if seconds >= 1]
    return _block(
        "time",
        f"{clock(total_seconds)} in all, pulumi {clock(update.seconds)}; " + ", ".join(parts)
        if parts
        else f"{clock(total_seconds)} in all, pulumi {clock(update.seconds)}",
    )


def changes(update: Update) -> str:
    """How many resources were created, updated, replaced and deleted, and of which products."""
    if not update.changed:
        return _block("resources", f"nothing has changed, {update.counts.get('same', 0)} in place")
    parts = [f"{update.counts[kind]} {_PAST[kind]}" for kind in CHANGES if update.counts.get(kind)]
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(update.kinds.items()))
    return _block("resources", ", ".join(parts) + (f" ({kinds})" if kinds else ""))


def _metric(result: Mapping[str, Any], name: str) -> str:
    value = result.get(name)
    return f"{value:>10.3f}" if isinstance(value, int | float) else f"{'-':>10}"


def training(result: Mapping[str, Any]) -> str:
    """What training achieved on held-out questions, and which model was kept."""
    if not result:
        return ""
    questions = result.get("questions") or {}
    kept = f"kept the {result.get('kept', '?')} model, version {result.get('model_version', '?')}"
    if result.get("reason"):
        kept += f": {result['reason']}"
    lines = [
        _block("training", kept),
        f"{'':<{_MARGIN}}{questions.get('train', '?')} questions trained on, "
        f"{questions.get('test', '?')} held out:",
        f"{'':<{_MARGIN}}{'':<6}" + "".join(f"{heading:>10}" for heading in _HEADINGS),
    ]
    for model in ("base", "tuned"):
        figures = result.get(model)
        if isinstance(figures, Mapping):
            row = "".join(_metric(figures, name) for name in METRICS)
            lines.append(f"{'':<{_MARGIN}}{model:<6}{row}")
    return "\n".join(lines)


def documents(ingest: Mapping[str, Any]) -> str:
    """What was ingested, and what was set aside and why."""
    if not ingest:
        return ""
    aside = ingest.get("set_aside") or []
    counts = [
        f"{ingest.get('documents', '?')} documents, {ingest.get('chunks', '?')} chunks indexed",
        f"{ingest.get('embedded_documents', '?')} embedded by the last run",
    ]
    if ingest.get("removed_documents"):
        counts.append(f"{ingest['removed_documents']} removed")
    counts.append(f"{len(aside)} set aside" if aside else "none set aside")
    lines = [_block("documents", ", ".join(counts))]
    lines += [
        _block("", f"- {item.get('document')}: {item.get('reason')}")
        for item in aside[:_MOST_SET_ASIDE]
    ]
    if len(aside) > _MOST_SET_ASIDE:
        lines.append(_block("", f"- and {len(aside) - _MOST_SET_ASIDE} more: make status"))
    return "\n".join(lines)


def render(
    update: Update,
    outputs: Mapping[str, Any],
    setup: Mapping[str, float],
    total_seconds: float,
    page: str,
) -> str:
    """The whole summary.

    Args:
        update: What the update did.
        outputs: The stack's outputs.
        setup: Seconds by step of the set-up.
        total_seconds: Since the command was started.
        page: The chat page's URL or sign-in link; empty if there is none.
    """
    parts = [
        times(update, setup, total_seconds),
        changes(update),
        training(outputs.get("training") or {}),
        documents(outputs.get("ingest") or {}),
    ]
    if page:
        parts.append(f"{'chat page':<{_MARGIN}}{page}")
    if "#code=" in page:
        hint = "The link signs you in, once. `make open` prints a new one."
        parts.append(f"{'':<{_MARGIN}}{hint}")
    return "\n".join(part for part in parts if part)
