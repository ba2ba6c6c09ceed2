"""What a change sets to work: trainings, embeddings, new nodes' first minutes. Pure.

Owns saying it in a reviewer's words. Does not own what a job computes (`providers.jobs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.cost import Estimate
from infra.cost.render import money
from infra.declare import Declared
from ops.review.changes import Change, Kind
from ops.review.replacing import top
from ops.review.values import code

__all__ = ["embeddings", "trainings"]

_JOB = "customrag:pai:DlcJob"
_INGEST = "customrag:rag:IngestRun"
# Inputs of a training job, and what they are in a reviewer's words.
_REASONS: Mapping[str, str] = {
    "jobSpecs": "its pods",
    "dataSources": "its data, code or output",
    "userCommand": "its command or settings",
    "envs": "its environment",
    "thirdpartyLibs": "its requirements",
    "triggers": "its questions or revision",
    "resultUri": "its code, settings or data",
    "workspaceId": "its workspace",
}


def trainings(changes: Iterable[Change], costs: Estimate) -> list[str]:
    """A line for each training that the update starts."""
    prices = {line.name: line.cny for line in costs.runs}
    lines = []
    for change in changes:
        if change.resource.type != _JOB or change.kind not in (Kind.CREATE, Kind.REPLACE):
            continue
        name = change.resource.name
        if change.kind is Kind.CREATE:
            text = f"{code(name)} trains for the first time"
        else:
            tops = dict.fromkeys(top(item.path) for item in change.properties)
            reasons = dict.fromkeys(_REASONS.get(each, each) for each in tops)
            text = f"{code(name)} trains again: {', '.join(reasons)} changed"
        if change.because:
            text += f" (because {code(change.because)} is replaced)"
        minutes = change.resource.inputs.get("maxRunningTimeMinutes")
        limits = [f"{minutes:g} minutes"] if isinstance(minutes, int | float) else []
        limits += [f"{money(prices[name])} CNY"] if name in prices else []
        lines.append(text + (f", at most {' and '.join(limits)}" if limits else ""))
    return lines


def embeddings(
    before: Sequence[Declared], after: Sequence[Declared], changes: Sequence[Change]
) -> list[str]:
    """A line for each index whose documents are embedded, as far as the update knows beforehand."""
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
        new_documents = _documents(item)
        if item.urn not in old:
            lines.append(f"`{item.name}` embeds all {len(new_documents)} documents, the first time")
            continue
        change = changed.get(item.urn)
        if change is not None and change.kind is Kind.REPLACE:
            lines.append(
                f"`{item.name}` embeds all {len(new_documents)} documents: the index is a new one"
            )
        elif change is not None:
            lines.append(_of_documents(item.name, _documents(old[item.urn]), new_documents))
        if trains and not (change is not None and change.kind is Kind.REPLACE):
            lines.append(
                f"if the new model is kept, `{item.name}` embeds all {len(new_documents)} "
                "documents into a new index, and the alias moves once that is complete"
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
            f"`{name}` runs again over {len(new)} documents that have not changed: what it "
            "embedded before it leaves as it is, unless the chunks are cut anew"
        )
    return (
        f"`{name}` embeds {added + altered} of {len(new)} documents ({added} new, {altered} "
        f"changed) and removes {removed}"
    )
