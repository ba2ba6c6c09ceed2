"""What the engine would do: a preview of an update, and a preview of a refresh.

Owns reading the states before and after each step. Does not own starting the engine (`ops.engine`)
nor the environment that it runs in: `tools` sets a stack's backend, plugins and PATH.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardrails.declare import Declared
from guardrails.placeholders import unknown
from ops.engine import Engine, EngineError, tail
from ops.review.changes import Change, Kind, PropertyChange, differences
from ops.review.replacing import is_ignored, top

__all__ = ["Planned", "plan", "refresh", "stack_exists"]

# How the CLI writes a value that is not known yet, and a secret one.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET = "[secret]"  # noqa: S105 - the mark, not a secret
_KINDS: Mapping[str, Kind] = {**{str(kind): kind for kind in Kind}, "import": Kind.CREATE}
# A replacement is reported in several steps; `replace` has both states.
_PARTS = ("create-replacement", "delete-replaced", "discard-replaced", "read-replacement")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What the engine would do.

    Attributes:
        before: The resources in the state, as far as the steps name them.
        after: The resources that there will be.
        changes: What happens to them.
        problems: What the engine, a provider or the policy pack says is wrong.
    """

    before: Sequence[Declared] = ()
    after: Sequence[Declared] = ()
    changes: Sequence[Change] = ()
    problems: Sequence[str] = ()


def stack_exists(engine: Engine) -> bool:
    """Whether a backend is logged in that has this stack."""
    try:
        engine.ask("stack", "export")
    except EngineError:
        return False
    return True


def plan(engine: Engine) -> Planned:
    """Return what `pulumi up` would do."""
    return _run(engine, "preview")


def refresh(engine: Engine) -> Planned:
    """Return how the cloud differs from the state: before is the state, after is the cloud."""
    return _run(engine, "refresh", "--preview-only")


def _run(engine: Engine, command: str, *arguments: str) -> Planned:
    try:
        outcome = engine.run(f"review-{command}", command, *arguments)
    except EngineError as error:
        return Planned(problems=[str(error)])
    if outcome.code != 0 and not outcome.errors:
        output = "\n".join(tail(outcome.log)) or f"exit code {outcome.code}"
        return Planned(problems=[f"`pulumi {command}` failed: {output}"])
    return _read_steps(outcome.steps, outcome.errors)


def _read_steps(steps: Sequence[Mapping[str, Any]], problems: Sequence[str]) -> Planned:
    states = [step.get(key) or {} for step in steps for key in ("old", "new")]
    parents = {state["urn"]: state.get("parent", "") for state in states if state}
    before, after, changes = {}, {}, []
    for step in steps:
        if step["op"] in _PARTS:
            continue
        old, new = (_resource(step, step.get(key), parents) for key in ("old", "new"))
        if old is not None:
            before[old.urn] = old
        if new is not None:
            after[new.urn] = new
        change = _change(step, old, new)
        if change is not None:
            changes.append(change)
    changes.sort(key=lambda change: (change.resource.component, change.resource.urn))
    return Planned(
        before=list(before.values()),
        after=[item for item in after.values() if not _is_deleted(item, changes)],
        changes=changes,
        problems=problems,
    )


def _is_deleted(item: Declared, changes: Sequence[Change]) -> bool:
    return any(change.kind is Kind.DELETE and change.resource.urn == item.urn for change in changes)


def _change(step: Mapping[str, Any], old: Declared | None, new: Declared | None) -> Change | None:
    kind, resource = _KINDS.get(step["op"]), new or old
    if kind is None or resource is None or resource.type.startswith("pulumi:"):
        return None
    if kind in (Kind.CREATE, Kind.DELETE) or old is None or new is None:
        return Change(kind=kind, resource=resource)
    detailed: Mapping[str, Any] = step.get("detailedDiff") or {}
    forcing = {*(step.get("keys") or ())}
    forcing |= {path for path, each in detailed.items() if "replace" in str(each.get("diffKind"))}
    named = {*(step.get("diffs") or ()), *map(top, detailed)}
    properties = [
        PropertyChange(
            path=path,
            before=one,
            after=other,
            secret=_SECRET in (one, other),
            replaces=path in forcing or top(path) in forcing,
        )
        for path, one, other in differences(old.inputs, new.inputs, "")
        if (not named or top(path) in named) and not is_ignored(resource.type, top(path))
    ]
    # A value that is secret on both sides, or unknown until the update, is in the diffs alone.
    properties += [
        PropertyChange(path=name, secret=True, replaces=name in forcing)
        for name in sorted(named - {top(item.path) for item in properties})
    ]
    return Change(kind=kind, resource=resource, properties=properties)


def _resource(
    step: Mapping[str, Any], state: Mapping[str, Any] | None, parents: Mapping[str, str]
) -> Declared | None:
    # The engine adds default providers of its own; the declaration does not have them.
    if not state or not state.get("custom") or "::default" in state["urn"]:
        return None
    urn = str(state["urn"])
    inputs = {key: _plain(value, urn) for key, value in (state.get("inputs") or {}).items()}
    return Declared(
        type=state["type"],
        name=_name(urn),
        urn=urn,
        parent=state.get("parent", ""),
        component=_component(urn, parents),
        inputs=inputs,
        secrets=tuple(sorted(key for key, value in inputs.items() if value == _SECRET)),
        protect=bool(state.get("protect")),
        existing=str(state.get("id", "")) if step["op"] == "read" else "",
    )


def _plain(value: Any, urn: str) -> Any:
    if value == _UNKNOWN:
        return unknown(_name(urn), "")
    if isinstance(value, Mapping):
        if value.get("ciphertext") == _SECRET:
            return _SECRET
        return {key: _plain(item, urn) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, urn) for item in value]
    return value


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _component(urn: str, parents: Mapping[str, str]) -> str:
    """Return the name of the component below the stack that a resource is part of."""
    while parents.get(urn) and "::pulumi:pulumi:Stack::" not in parents[urn]:
        urn = parents[urn]
    return _name(urn)
