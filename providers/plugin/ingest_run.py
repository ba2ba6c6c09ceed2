"""Life cycle of ``customrag:rag:IngestRun``: a job over an index, run again when documents change.

A job's name contains a hash of its inputs *and of the job before it*. So a return to former
documents is a new run, because the index contains other ones by then. An interrupted run is found
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pluginhost import UNKNOWN, contains_unknown
from providers import jobs
from providers.clients.oss_uri import parse_oss_uri
from providers.declaration import inputs_of
from providers.ingest_run import IngestRun, IngestRunArgs
from providers.plugin.dlc_job import (
    DELETED,
    SUCCEEDED,
    JobHandler,
    find_recorded_job,
    is_done,
    known_job_name,
)
from providers.plugin.framework import Call, Change, Values, compare
from providers.plugin.job_runner import RESULT_NAME

__all__ = ["IngestRunHandler"]

_MOST_NAMED: Final = 10

# Output name to the name in result.json.
_COUNTS: Final = {
    "documentCount": "documents",
    "chunks": "chunks",
    "embeddedDocuments": "embedded_documents",
    "unchangedDocuments": "unchanged_documents",
    "removedDocuments": "removed_documents",
    "readWhole": "read_whole",
    "readInPart": "read_in_part",
    "unread": "unread",
    "setAside": "set_aside",
    "inPart": "in_part",
    "unknownLanguages": "unknown_languages",
}


class IngestRunHandler(JobHandler):
    """The last run over an index."""

    token = IngestRun.token
    inputs = inputs_of(IngestRunArgs)
    outputs = (*JobHandler.outputs, "contentHash", *_COUNTS)

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = compare(self.inputs, old_inputs, news)
        line = corpus_line(old_inputs.get("documents"), news.get("documents"))
        if line:
            call.log(line)
        if not is_done(olds):
            call.log(f"the last run is {olds.get('status')}: this update adopts or repeats it")
            changes.append(Change(path="status", kind="update"))
        return changes

    def preview_create(self, inputs: Values) -> dict[str, Any]:
        return self._unknown(known_job_name(inputs))

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        if _is_current(olds, inputs):
            return self.kept(olds)
        return self._unknown(known_job_name(inputs, olds.get("jobId")))

    def _unknown(self, name: Any) -> dict[str, Any]:
        unknown = dict.fromkeys(self.outputs, UNKNOWN)
        return {**unknown, "jobName": name, "status": SUCCEEDED}

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        base_name = jobs.job_name(inputs)
        return base_name, self._run(inputs, base_name, {}, call)

    def _run(self, inputs: Values, base_name: str, olds: Values, call: Call) -> dict[str, Any]:
        names = list(dict.fromkeys([*(olds.get("jobNames") or ()), base_name]))
        result_uri = parse_oss_uri(str(inputs["resultUri"])).join(RESULT_NAME)
        finished = self.bring_to_success(
            inputs,
            base_name,
            {**self.kept(olds), "jobNames": names},
            call,
            # The result of an earlier run must not be read as the result of this run.
            before_create=lambda: call.services.oss.delete(result_uri),
        )
        result = finished.result or {}
        for line in _warnings(result):
            call.log(line, "warning")
        counts = {name: result.get(key) for name, key in _COUNTS.items()}
        outputs = self.outputs_of(finished, names)
        return {**outputs, **counts, "contentHash": jobs.inputs_hash(inputs)}

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        outputs = self.kept(olds)
        job = find_recorded_job(inputs, olds, call)
        if job is None:
            outputs["status"] = DELETED if is_done(olds) else "Failed"
        elif job.succeeded and olds.get("status") != SUCCEEDED:
            # It succeeded after the engine stopped waiting; `up` reads its result.
            outputs["status"] = "Running"
        else:
            outputs["status"] = job.status
        return dict(inputs), outputs

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        if _is_current(olds, inputs):
            return self.kept(olds)
        base_name = jobs.job_name(inputs, olds.get("jobId"))
        return self._run(inputs, base_name, olds, call)


def _warnings(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each of the first documents that were not read whole, and each language."""
    unread = result.get("set_aside") or ()
    in_part = result.get("in_part") or ()
    for entry in unread[:_MOST_NAMED]:
        yield f"not read: {entry.get('document')!r}: {entry.get('reason')}"
    for entry in in_part[:_MOST_NAMED]:
        yield f"read in part: {entry.get('document')!r}: {entry.get('missing')}"
    for language, count in (result.get("unknown_languages") or {}).items():
        yield (
            f"documents in a language that the embedding model does not know ({language}): "
            f"{count}. Mostly the word search finds them. To find them by meaning, too, set "
            f"customrag:embeddingModel to a multilingual model, such as modelscope:BAAI/bge-m3"
        )
    more = sum(max(0, len(entries) - _MOST_NAMED) for entries in (unread, in_part))
    if more:
        yield f"{more} more documents were not read whole; `make documents ONLY=problems` has them"


def _is_current(olds: Values, inputs: Values) -> bool:
    """Return whether the last run succeeded for these inputs; False while one is unknown."""
    if contains_unknown([inputs.get(name) for name in jobs.HASHED_INPUTS]):
        return False
    return is_done(olds) and olds.get("contentHash") == jobs.inputs_hash(inputs)


def corpus_line(old: Any, new: Any) -> str:
    """Return ``corpus: 1 changed, 1 added, 1 removed; 38 unchanged``, or "" for no change."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return ""
    changed = sum(1 for key in old.keys() & new.keys() if old[key] != new[key])
    added, removed = len(new.keys() - old.keys()), len(old.keys() - new.keys())
    if not (changed or added or removed):
        return ""
    unchanged = len(old.keys() & new.keys()) - changed
    return f"corpus: {changed} changed, {added} added, {removed} removed; {unchanged} unchanged"
