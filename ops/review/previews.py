"""What the engine says it would do: `pulumi preview --json` and `pulumi refresh --preview-only`.

Owns starting those two and reading their JSON (CLI 3.259: `steps` with the state before and after).
Does not own the environment they run in: `tools` gives a stack's backend, plugins and PATH.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails.declare import Declared
from guardrails.placeholders import unknown
from ops.review.changes import Change, Kind, PropertyChange, differences
from ops.review.replacing import is_ignored, top

__all__ = ["Planned", "plan", "read_plan", "refresh", "stack_is_there"]

# How the CLI writes a value that is not known yet, and one that is secret.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SECRET = "[secret]"  # noqa: S105 - what stands for one
_SECONDS = 1800
_KINDS: Mapping[str, Kind] = {
    "create": Kind.CREATE,
    "update": Kind.UPDATE,
    "replace": Kind.REPLACE,
    "delete": Kind.DELETE,
    "import": Kind.CREATE,
}
# A replacement is told in three steps; `replace` has both states.
_PARTS = (
    "create-replacement",
    "delete-replaced",
    "discard-replaced",
    "refresh",
    "read-replacement",
)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What the engine would do.

    Attributes:
        before: The resources that the state has, as far as the steps name them.
        after: Those that there will be.
        changes: What happens to them.
        problems: What the engine, a provider or the policy pack says is wrong.
    """

    before: Sequence[Declared] = ()
    after: Sequence[Declared] = ()
    changes: Sequence[Change] = ()
    problems: Sequence[str] = ()


def stack_is_there(stack: str, *, root: Path, environment: Mapping[str, str]) -> bool:
    """Whether a backend is logged in that has this stack."""
    try:
        done = _pulumi(["stack", "export", "--stack", stack], root, environment)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def plan(stack: str, *, root: Path, environment: Mapping[str, str]) -> Planned:
    """What `pulumi up` would do, as `pulumi preview` says."""
    command = ["preview", "--stack", stack, "--json", "--show-sames"]
    return _run(command, root, environment)


def refresh(stack: str, *, root: Path, environment: Mapping[str, str]) -> Planned:
    """How the cloud differs from the state: before is the state, after is the cloud."""
    return _run(["refresh", "--stack", stack, "--preview-only", "--json"], root, environment)


def _run(command: Sequence[str], root: Path, environment: Mapping[str, str]) -> Planned:
    try:
        done = _pulumi(command, root, environment)
    except FileNotFoundError:
        return Planned(problems=["there is no pulumi on PATH; run `make setup`"])
    text = done.stdout[done.stdout.find("{") :]
    try:
        found = read_plan(json.loads(text))
    except ValueError:
        words = done.stderr.strip() or done.stdout.strip()
        return Planned(problems=[f"`pulumi {command[0]}` said no JSON but: {words}"])
    if done.returncode and not found.problems:
        words = done.stderr.strip() or f"it ended with {done.returncode}"
        return Planned(problems=[f"`pulumi {command[0]}` failed: {words}"])
    return found


def _pulumi(
    arguments: Sequence[str], root: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=root,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def read_plan(document: Mapping[str, Any]) -> Planned:
    """The JSON of a preview or of a refresh that only previews."""
    steps: Sequence[Mapping[str, Any]] = document.get("steps") or ()
    states = [step.get(key) or {} for step in steps for key in ("oldState", "newState")]
    parents = {state["urn"]: state.get("parent", "") for state in states if state}
    before, after, changes = {}, {}, []
    for step in steps:
        old = _resource(step.get("oldState"), parents)
        new = _resource(step.get("newState"), parents)
        if step["op"] in _PARTS and step["op"] != "refresh":
            continue
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
        problems=[
            str(item["message"]).strip()
            for item in document.get("diagnostics") or ()
            if item.get("severity") == "error"
        ],
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
    forcing = {*(step.get("replaceReasons") or ())}
    forcing |= {path for path, each in detailed.items() if "replace" in str(each.get("kind"))}
    named = {*(step.get("diffReasons") or ()), *map(top, detailed)}
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
    # What is secret on both sides, or known only later, is in the reasons alone.
    properties += [
        PropertyChange(path=name, secret=True, replaces=name in forcing)
        for name in sorted(named - {top(item.path) for item in properties})
    ]
    return Change(kind=kind, resource=resource, properties=properties)


def _resource(state: Mapping[str, Any] | None, parents: Mapping[str, str]) -> Declared | None:
    if not state or not state.get("custom"):
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
        existing=str(state.get("id", "")) if state.get("external") else "",
    )


def _plain(value: Any, urn: str) -> Any:
    if value == _UNKNOWN:
        return unknown(_name(urn), "")
    if isinstance(value, Mapping):
        return {key: _plain(item, urn) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, urn) for item in value]
    return value


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _component(urn: str, parents: Mapping[str, str]) -> str:
    """Logical name of the component under the stack that a resource is part of."""
    while parents.get(urn) and "::pulumi:pulumi:Stack::" not in parents[urn]:
        urn = parents[urn]
    return _name(urn)
