"""The steps of a rehearsal: up with policy, change, refresh, previews without changes, down, leaks.

A stack with an edge is asked through it, too, and past it.

Owns their order and what each must show. A step that fails ends the story, but for the tear-down
and its leak check, which come in any case but one that is kept to be looked at: it is the one of
`make down`, consent given. Does not own the summary's words (`ops.rehearse.summary`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ops.declared import NAMESPACE, ROOT
from ops.engine import Engine, Outcome, tail
from ops.rehearse import edge
from ops.teardown.leaks import Left
from ops.teardown.removal import FAILURES, Removal, remove

__all__ = ["PREVIEW_ONLY", "STEPS", "Step", "Story", "run"]

PREVIEW_ONLY = ("preview",)
STEPS = ("up", "unchanged", "edge", "change", "refresh", "unchanged again", "down", "leak check")
"""All of them; `edge` where the stack has one."""
_POLICY_PACK = ROOT / "guardrails" / "policy"
_ERROR_LINES = 8
_REMARK = "\n\nThis sentence is the rehearsal's: it changes one document.\n"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step that was taken.

    Attributes:
        name: Its name, of `STEPS` or `PREVIEW_ONLY`.
        ended_well: Whether it showed what it must.
        seconds: How long it took.
        told: What it showed, or what went wrong, a line each.
        outcome: Of the engine's command, if it was one.
    """

    name: str
    ended_well: bool
    seconds: float
    told: tuple[str, ...]
    outcome: Outcome | None = None


@dataclass
class Story:
    """A rehearsal, told so far.

    Attributes:
        stack: The stack that is rehearsed.
        engine: On the rehearsal's own stack.
        home: The rehearsal's home.
        show: Gets each step as it ends.
        steps: Those that were taken.
        edge_url: Where the stack's edge answers, once that is known; empty where it has none.
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
        """Take a step into the story; whether it ended well."""
        self.steps.append(step)
        self.show(step)
        return step.ended_well


def _policy() -> tuple[str, ...]:
    return ("--policy-pack", str(_POLICY_PACK)) if _POLICY_PACK.is_dir() else ()


def _counts(outcome: Outcome) -> str:
    parts = [
        f"{outcome.count(operation)} {past}"
        for operation, past in (
            ("create", "created"),
            ("update", "updated"),
            ("replace", "replaced"),
            ("delete", "deleted"),
        )
        if outcome.count(operation)
    ]
    return ", ".join(parts) + (f", {outcome.same} unchanged" if outcome.same else "") or "nothing"


def _failed(outcome: Outcome) -> tuple[str, ...]:
    """What went wrong; of a long text its end, where a traceback has its reason."""
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
    told: Callable[[Outcome], tuple[str, ...]] = lambda outcome: (_counts(outcome),),
    wrong: Callable[[Outcome], tuple[str, ...]] = lambda _outcome: (),
) -> bool:
    number = len(story.steps) + 1
    outcome = story.engine.run(f"{number}-{name.replace(' ', '-')}", command, *arguments)
    problems = wrong(outcome) if outcome.code == 0 else _failed(outcome)
    return story.add(
        Step(
            name=name,
            ended_well=outcome.code == 0 and not problems,
            seconds=outcome.seconds,
            told=problems or told(outcome),
            outcome=outcome,
        )
    )


def _with_policy(outcome: Outcome) -> tuple[str, ...]:
    words = (
        f"{len(outcome.violations)} remarks of the policy pack"
        if outcome.violations
        else ("policy pack: no violation" if _policy() else "no policy pack is there")
    )
    return (_counts(outcome), words, *_cost(outcome), *outcome.violations)


def _cost(outcome: Outcome) -> tuple[str, ...]:
    """What the program says in the preview of what the declared sizes cost in the cloud."""
    said = [text.splitlines()[0] for text in outcome.infos if " at list prices, " in text]
    return tuple(said[:1])


def _change_document(story: Story, values: dict[str, Any]) -> str:
    """Change one document of the rehearsal's corpus, and the owner that all is tagged with."""
    documents = sorted((Path(values[f"{NAMESPACE}corpusDir"]) / "docs").iterdir())
    texts = [path for path in documents if path.suffix in (".md", ".txt")]
    document = texts[0]
    document.write_text(document.read_text(encoding="utf-8") + _REMARK, encoding="utf-8")
    owner = f"{values.get(f'{NAMESPACE}owner', 'owner')}-rehearsed"
    story.engine.ask("config", "set", f"{NAMESPACE}owner", owner)
    return f"docs/{document.name} and the tag `owner`"


def _replaced(outcome: Outcome) -> tuple[str, ...]:
    """A change of tags and of a document must replace nothing and train nothing again."""
    return tuple(
        f"{change}: a tag and a document must not do that"
        for change in outcome.changes
        if change.operation in ("replace", "delete", "create") or change.type.endswith(":DlcJob")
    )


def _unchanged(story: Story, name: str) -> bool:
    return _engine_step(
        story,
        name,
        "preview",
        "--expect-no-changes",
        told=lambda outcome: (f"nothing to do, {outcome.same} resources in place",),
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
        told=lambda outcome: (f"no drift in {outcome.same} resources",),
    )


def _through_the_edge(story: Story, values: dict[str, Any]) -> bool:
    """Ask through the edge, and past it; nothing to do where the stack has none."""
    outputs = json.loads(story.engine.ask("stack", "output", "--json"))
    story.edge_url = str(outputs.get("edge_url") or "")
    if not story.edge_url:
        return True
    question, began = edge.question_of(values), time.monotonic()
    try:
        told: tuple[str, ...] = (
            edge.ask_through(outputs, story.home, question),
            edge.ask_around(outputs, story.home, question),
        )
        ended_well = True
    except edge.EdgeError as error:
        told, ended_well = (str(error),), False
    seconds = time.monotonic() - began
    return story.add(Step(name="edge", ended_well=ended_well, seconds=seconds, told=told))


def _go(story: Story, values: dict[str, Any]) -> bool:
    if not _engine_step(
        story, "up", "up", "--yes", "--skip-preview", *_policy(), told=_with_policy
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
            told=lambda outcome: (f"{what}: {_counts(outcome)}",),
            wrong=_replaced,
        )
        and _drift(story)
        and _unchanged(story, "unchanged again")
    )


def _end(story: Story) -> None:
    """Remove it as `make down` does, protected or not, and look at what is left."""
    said: list[str] = []
    removal = Removal(
        stack=story.engine.stack,
        engine=story.engine,
        consent=story.engine.stack,
        home=story.home,
        say=said.append,
    )
    began = time.monotonic()
    try:
        code = remove(removal)
    except FAILURES as error:
        said.append(str(error))
        code = 1
    leaks = [_told(left) for left in removal.left if left.is_leak]
    if story.edge_url and edge.still_answers(story.edge_url):
        leaks.append(f"{story.edge_url}: the edge still answers")
    stays = [left for left in removal.left if not left.is_leak]
    # What is left is told by the next step, unless something else went wrong as well.
    carried_out = code == 0 or (removal.carried_out and bool(leaks or removal.unproven))
    story.add(
        Step(
            name="down",
            ended_well=carried_out,
            seconds=time.monotonic() - began,
            told=tuple(said),
        )
    )
    story.add(
        Step(
            name="leak check",
            ended_well=not (leaks or removal.unproven),
            seconds=0.0,
            told=(
                (removal.report(),)
                if removal.unproven
                else (*leaks, *_staying(stays, leaks)) or ("nothing of the stack is left",)
            ),
        )
    )


def _told(left: Left) -> str:
    """Something that is left, its ARN without what all have in common: a line is short."""
    prefix, _, rest = left.what.partition("arn:acs:")
    if prefix or rest.count(":") < 3:
        return str(left)
    product, region_id, _, identity = rest.split(":", 3)
    return str(replace(left, what=f"{product} {region_id} {identity}"))


def _staying(stays: list[Left], leaks: list[str]) -> list[str]:
    """What stays: all in number, by name what the Tag service shows."""
    shown = [_told(left) for left in stays if left.what.startswith("arn:")]
    rest = "" if leaks else "; nothing else is left"
    return [f"{len(stays)} stay on purpose{rest}", *shown] if stays else []


def run(
    story: Story, values: dict[str, Any], *, preview_only: bool = False, keep: bool = False
) -> None:
    """Go through the steps.

    Args:
        story: The rehearsal.
        values: The rehearsal's own config values.
        preview_only: Look at what an update would do, and make nothing.
        keep: Leave out the tear-down and its leak check, so that the stack can be looked at.
    """
    if preview_only:
        _engine_step(story, "preview", "preview", *_policy(), told=_with_policy)
        return
    try:
        _go(story, values)
    finally:
        if not keep:
            _end(story)
