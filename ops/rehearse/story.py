"""The steps of a rehearsal: up with policy, change, refresh, previews without changes, down, leaks.

A stack with an edge is also asked through the edge, and past it.

Owns the order of the steps and what each must show. A step that fails ends the story, except for
the tear-down and its leak check, which always run unless the rehearsal is kept. The tear-down
works as `make down` with consent. Does not own the summary's wording (`ops.rehearse.summary`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ops.declared import NAMESPACE
from ops.engine import Engine, tail
from ops.events import Outcome
from ops.rehearse import edge
from ops.stack.ask import sample_question
from ops.teardown.leaks import Left
from ops.teardown.removal import FAILURES, Removal, remove

__all__ = ["Step", "Story", "run"]

_ERROR_LINES = 8
_REMARK = "\n\nThe rehearsal adds this sentence to change one document.\n"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step that was carried out.

    Attributes:
        name: Its name in the report.
        ended_well: Whether it showed what it must show.
        seconds: How long it took.
        lines: What it showed, or what went wrong.
        outcome: The outcome of the engine's command, if the step ran one.
    """

    name: str
    ended_well: bool
    seconds: float
    lines: tuple[str, ...]
    outcome: Outcome | None = None


@dataclass
class Story:
    """A rehearsal and its steps so far.

    Attributes:
        stack: The rehearsed stack.
        engine: The engine on the rehearsal's own stack.
        home: The rehearsal's home.
        show: Gets each step as it ends.
        steps: The steps that were carried out.
        edge_url: The URL of the stack's edge, once it is known; empty without an edge.
    """

    stack: str
    engine: Engine
    home: Path
    show: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    edge_url: str = ""

    @property
    def ended_well(self) -> bool:
        """Whether every step so far did."""
        return bool(self.steps) and all(step.ended_well for step in self.steps)

    def add(self, step: Step) -> bool:
        """Add a step; return whether it ended well."""
        self.steps.append(step)
        self.show(step)
        return step.ended_well


def _counts(outcome: Outcome) -> str:
    unchanged = f"{outcome.same} unchanged" if outcome.same else ""
    return ", ".join(filter(None, [outcome.counts, unchanged])) or "nothing"


def _failed(outcome: Outcome) -> tuple[str, ...]:
    """Return what went wrong; only the end of a long text, where a traceback has its reason."""
    shortened = []
    for text in (*outcome.errors, *outcome.violations):
        lines = text.splitlines()
        shortened.append("\n".join(["…", *lines[-_ERROR_LINES:]] if len(lines) > 12 else lines))
    return tuple(dict.fromkeys(shortened)) or tuple(tail(outcome.log))


def _engine_step(
    story: Story,
    name: str,
    command: str,
    *arguments: str,
    lines: Callable[[Outcome], tuple[str, ...]] = lambda outcome: (_counts(outcome),),
    wrong: Callable[[Outcome], tuple[str, ...]] = lambda _outcome: (),
) -> bool:
    number = len(story.steps) + 1
    outcome = story.engine.run(f"{number}-{name.replace(' ', '-')}", command, *arguments)
    problems = wrong(outcome) if outcome.code == 0 else _failed(outcome)
    return story.add(
        Step(
            name=name,
            ended_well=outcome.code == 0 and not problems,
            seconds=outcome.duration_seconds,
            lines=problems or lines(outcome),
            outcome=outcome,
        )
    )


def _with_policy(outcome: Outcome) -> tuple[str, ...]:
    words = (
        f"{len(outcome.violations)} violations of the policy pack"
        if outcome.violations
        else "policy pack: no violation"
    )
    return (_counts(outcome), words, *_cost(outcome), *outcome.violations)


def _cost(outcome: Outcome) -> tuple[str, ...]:
    """Return the estimated cost of the declared sizes, which the program logs in the preview."""
    lines = [text.splitlines()[0] for text in outcome.infos if " at list prices, " in text]
    return tuple(lines[:1])


def _change_document(story: Story, values: dict[str, Any]) -> str:
    """Change one document of the rehearsal's corpus, and the tag `owner` of every resource."""
    documents = sorted((Path(values[f"{NAMESPACE}corpusDir"]) / "docs").iterdir())
    texts = [path for path in documents if path.suffix in (".md", ".txt")]
    document = texts[0]
    document.write_text(document.read_text(encoding="utf-8") + _REMARK, encoding="utf-8")
    owner = f"{values.get(f'{NAMESPACE}owner', 'owner')}-rehearsed"
    story.engine.ask("config", "set", f"{NAMESPACE}owner", owner)
    return f"docs/{document.name} and the tag `owner`"


def _replaced(outcome: Outcome) -> tuple[str, ...]:
    """Return the changes that a new tag and a new document must not cause."""
    return tuple(
        f"{change}: a change of a tag and a document must not cause this"
        for change in outcome.changes
        if change.operation in ("replace", "delete", "create") or change.type.endswith(":DlcJob")
    )


def _unchanged(story: Story, name: str) -> bool:
    return _engine_step(
        story,
        name,
        "preview",
        "--expect-no-changes",
        lines=lambda outcome: (f"nothing to do, {outcome.same} resources in place",),
        wrong=lambda outcome: tuple(map(str, outcome.changes)),
    )


def _drift(story: Story) -> bool:
    return _engine_step(
        story,
        "refresh",
        "refresh",
        "--yes",
        "--skip-preview",
        "--expect-no-changes",
        lines=lambda outcome: (f"no drift in {outcome.same} resources",),
    )


def _through_the_edge(story: Story, values: dict[str, Any]) -> bool:
    """Ask through the edge, and past it; do nothing if the stack has no edge."""
    outputs = story.engine.outputs()
    story.edge_url = str(outputs.get("edge_url") or "")
    if not story.edge_url:
        return True
    question, began = sample_question(values), time.monotonic()
    try:
        lines: tuple[str, ...] = (
            edge.ask_through(outputs, story.home, question),
            edge.ask_around(outputs, story.home, question),
        )
        ended_well = True
    except edge.EdgeError as error:
        lines, ended_well = (str(error),), False
    seconds = time.monotonic() - began
    return story.add(Step(name="edge", ended_well=ended_well, seconds=seconds, lines=lines))


def _go(story: Story, values: dict[str, Any]) -> bool:
    if not _engine_step(
        story, "up", "up", "--yes", "--skip-preview", *story.engine.policy, lines=_with_policy
    ):
        return False
    if not _unchanged(story, "unchanged"):
        return False
    if not _through_the_edge(story, values):
        return False
    what = _change_document(story, values)
    return (
        _engine_step(
            story,
            "change",
            "up",
            "--yes",
            "--skip-preview",
            lines=lambda outcome: (f"{what}: {_counts(outcome)}",),
            wrong=_replaced,
        )
        and _drift(story)
        and _unchanged(story, "unchanged again")
    )


def _end(story: Story) -> None:
    """Remove it as `make down` does, protected or not, and check what is left."""
    lines: list[str] = []
    removal = Removal(
        stack=story.engine.stack,
        engine=story.engine,
        consent=story.engine.stack,
        home=story.home,
        say=lines.append,
    )
    began = time.monotonic()
    try:
        code = remove(removal)
    except FAILURES as error:
        lines.append(str(error))
        code = 1
    leaks = [_line_of(left) for left in removal.left if left.is_leak]
    if story.edge_url and edge.still_answers(story.edge_url):
        leaks.append(f"{story.edge_url}: the edge still answers")
    stays = [left for left in removal.left if not left.is_leak]
    # The next step reports leaks, so this one fails only if something else went wrong as well.
    carried_out = code == 0 or (removal.carried_out and bool(leaks or removal.unproven))
    story.add(
        Step(
            name="down",
            ended_well=carried_out,
            seconds=time.monotonic() - began,
            lines=tuple(lines),
        )
    )
    story.add(
        Step(
            name="leak check",
            ended_well=not (leaks or removal.unproven),
            seconds=0.0,
            lines=(
                (removal.report(),)
                if removal.unproven
                else (*leaks, *_staying(stays, leaks)) or ("nothing of the stack is left",)
            ),
        )
    )


def _line_of(left: Left) -> str:
    """Return a line for a leftover, its ARN without the part that all ARNs share."""
    prefix, _, rest = left.what.partition("arn:acs:")
    if prefix or rest.count(":") < 3:
        return str(left)
    product, region_id, _, identity = rest.split(":", 3)
    return str(replace(left, what=f"{product} {region_id} {identity}"))


def _staying(stays: list[Left], leaks: list[str]) -> list[str]:
    """Return the number of resources that stay, and the names that the Tag service shows."""
    shown = [_line_of(left) for left in stays if left.what.startswith("arn:")]
    rest = "" if leaks else "; nothing else is left"
    return [f"{len(stays)} stay on purpose{rest}", *shown] if stays else []


def run(
    story: Story, values: dict[str, Any], *, preview_only: bool = False, keep: bool = False
) -> None:
    """Carry out the steps.

    Args:
        story: The rehearsal.
        values: The rehearsal's own config values.
        preview_only: Only preview the update, and create nothing.
        keep: Skip the tear-down and its leak check, so that the stack can be inspected.
    """
    if preview_only:
        _engine_step(story, "preview", "preview", *story.engine.policy, lines=_with_policy)
        return
    try:
        _go(story, values)
    finally:
        if not keep:
            _end(story)
