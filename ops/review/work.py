"""The work that a change starts: trainings and embeddings. Pure.

Owns the wording for a reviewer. Does not own what a job computes (`providers.jobs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guardrails.cost.model import Estimate
from guardrails.cost.render import money
from guardrails.declare import Declared
from ops.review.changes import Change, Kind
from ops.review.replacing import top
from ops.review.values import code

__all__ = ["embeddings", "trainings"]

_JOB = "customrag:pai:DlcJob"
_INGEST = "customrag:rag:IngestRun"
# Inputs of a training job, and their names for a reviewer.
_REASONS: Mapping[str, str] = {
    "jobSpecs": "its pods",
    "dataSources": "its data or code",
    "dataSources:/mnt/code": "its code",
    "dataSources:/mnt/corpus": "its documents",
    "userCommand": "its command or settings",
    "envs": "its environment",
    "thirdpartyLibs": "its requirements",
    "triggers": "its questions or revision",
    "workspaceId": "its workspace",
}
# Its value follows from the other inputs.
_RESULT = "resultUri"


def trainings(changes: Iterable[Change], costs: Estimate) -> list[str]:
    """Return a line for each training that the update starts."""
    lines = []
    for change in changes:
        if change.resource.type != _JOB or change.kind not in (Kind.CREATE, Kind.REPLACE):
            continue
        name = change.resource.name
        if change.kind is Kind.CREATE:
            text = f"{code(name)} trains for the first time"
        else:
            text = f"{code(name)} trains again: {', '.join(_reasons(change))} changed"
        if change.because:
            text += f" (because {code(change.because)} is replaced)"
        lines.append(f"{text}{_limits(change.resource, costs)}")
    return lines


def _reasons(change: Change) -> list[str]:
    """Return what changed in a job, without the inputs that follow from others."""
    forcing = [item for item in change.properties if item.replaces] or change.properties
    result = change.resource.inputs.get(_RESULT)
    found = dict.fromkeys(
        _reason(change.resource, item.path)
        for item in forcing
        if top(item.path) != _RESULT and (result is None or item.after != result)
    )
    return list(found) or ["its code, settings or data"]


def _reason(job: Declared, path: str) -> str:
    name = top(path)
    place = re.match(r"dataSources\[(\d+)\]", path)
    if place:
        mounted = job.inputs["dataSources"][int(place[1])].get("mountPath")
        return _REASONS.get(f"{name}:{mounted}", _REASONS[name])
    return _REASONS.get(name, name)


def _limits(job: Declared, costs: Estimate) -> str:
    """Return how long a job runs at most, and its cost then."""
    minutes = job.inputs.get("maxRunningTimeMinutes")
    limits = [f"{minutes:g} minutes"] if isinstance(minutes, int | float) else []
    limits += [f"{money(line.cny)} CNY" for line in costs.runs if line.name == job.name]
    return f", at most {' and '.join(limits)}" if limits else ""


def embeddings(
    before: Sequence[Declared],
    after: Sequence[Declared],
    changes: Sequence[Change],
    costs: Estimate,
) -> list[str]:
    """Return a line for each index whose documents the update embeds, as far as known before."""
    old = {item.urn: item for item in before if item.type == _INGEST}
    changed = {change.resource.urn: change for change in changes}
    trains = any(
        change.resource.type == _JOB and change.kind in (Kind.CREATE, Kind.REPLACE)
        for change in changes
    )
    lines = []
    for item in after:
        if item.type != _INGEST:
            continue
        new_documents, limits = _documents(item), _limits(item, costs)
        if item.urn not in old:
            lines.append(
                f"`{item.name}` embeds all {len(new_documents)} documents for the first time"
                f"{limits}"
            )
            continue
        change = changed.get(item.urn)
        if change is not None and change.kind is Kind.REPLACE:
            lines.append(
                f"`{item.name}` embeds all {len(new_documents)} documents, because the index "
                f"is new{limits}"
            )
        elif change is not None:
            line = _of_documents(item.name, _documents(old[item.urn]), new_documents)
            lines.append(f"{line}{limits}")
        if trains and not (change is not None and change.kind is Kind.REPLACE):
            lines.append(
                f"if the new model is kept, `{item.name}` embeds all {len(new_documents)} "
                f"documents into a new index, and the alias moves when it is complete{limits}"
            )
    return lines


def _documents(item: Declared) -> Mapping[str, Any]:
    found = item.inputs.get("documents")
    return found if isinstance(found, Mapping) else {}


def _of_documents(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    added = len(new.keys() - old.keys())
    removed = len(old.keys() - new.keys())
    altered = sum(old[key] != new[key] for key in new.keys() & old.keys())
    if not (added or removed or altered):
        return (
            f"`{name}` runs again over {len(new)} documents that have not changed. It "
            "embeds none of them again, unless the chunking changes"
        )
    return (
        f"`{name}` embeds {added + altered} of {len(new)} documents ({added} new, {altered} "
        f"changed) and removes {removed}"
    )
