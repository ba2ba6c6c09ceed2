"""Life cycle of ``customrag:rag:IngestRun``: a job over an index, run again when documents change.

A job's name contains a hash of its inputs *and of the job before it*. So a return to former
documents is a new run, because the index contains other ones by then. An interrupted run is found
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from pluginhost import UNKNOWN, PartialError, contains_unknown
from providers import jobs
from providers.clients.oss_uri import parse_oss_uri
from providers.plugin.dlc_job import (
    DELETED,
    JOB_INPUTS,
    SUCCEEDED,
    check_job,
    find_recorded_job,
    job_outputs,
    known_job_name,
)
from providers.plugin.framework import (
    Call,
    Change,
    Difference,
    Failure,
    Handler,
    Input,
    compare,
    require_known_state,
)
from providers.plugin.job_runner import (
    RESULT_NAME,
    JobFailedError,
    JobLeftRunningError,
    JobRunner,
    delete_jobs,
)

__all__ = ["IngestRunHandler"]

_REPLACES: Final = frozenset({"workspaceId"})
# Output name to the name in result.json.
_COUNTS: Final = {
    "documentCount": "documents",
    "chunks": "chunks",
    "embeddedDocuments": "embedded_documents",
    "unchangedDocuments": "unchanged_documents",
    "removedDocuments": "removed_documents",
    "setAside": "set_aside",
}
_OUTPUTS: Final = (
    "jobId",
    "jobName",
    "jobNames",
    "status",
    "durationSeconds",
    "result",
    "contentHash",
    *_COUNTS,
)


class IngestRunHandler(Handler):
    """The last run over an index."""

    token: ClassVar[str] = "customrag:rag:IngestRun"  # noqa: S105 - a type token
    inputs: ClassVar[Mapping[str, Input]] = {
        **{
            name: spec if name in _REPLACES else replace(spec, effect="update")
            for name, spec in JOB_INPUTS.items()
        },
        "resultUri": Input(kind="string", required=True),
        "documents": Input(kind="string map", required=True),
        "indexName": Input(kind="string", effect="replace", required=True),
        "indexUuid": Input(kind="string", effect="replace"),
    }

    def check(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        return check_job(inputs)

    def diff(
        self,
        old_inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        call: Call,
    ) -> Difference:
        changes = compare(self.inputs, old_inputs, news)
        line = corpus_line(old_inputs.get("documents"), news.get("documents"))
        if line:
            call.log(line)
        if olds.get("status") not in (SUCCEEDED, DELETED):
            call.log(f"the last run is {olds.get('status')}: this update adopts or repeats it")
            changes.append(Change(path="status", kind="update"))
        return Difference(changes=tuple(changes))

    def preview_create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return self._unknown(known_job_name(inputs, **_also(inputs, None)))

    def preview_update(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        name = known_job_name(inputs, **_also(inputs, olds.get("jobId")))
        if _is_current(olds, inputs):
            return {name: olds.get(name) for name in _OUTPUTS}
        return self._unknown(name)

    def _unknown(self, name: Any) -> dict[str, Any]:
        unknown = dict.fromkeys(_OUTPUTS, UNKNOWN)
        return {**unknown, "jobName": name, "status": SUCCEEDED}

    def create(self, inputs: Mapping[str, Any], call: Call) -> tuple[str, dict[str, Any]]:
        base_name = jobs.job_name(inputs, **_also(inputs, None))
        return base_name, self._run(inputs, base_name, {}, call)

    def _run(
        self,
        inputs: Mapping[str, Any],
        base_name: str,
        olds: Mapping[str, Any],
        call: Call,
    ) -> dict[str, Any]:
        names = list(dict.fromkeys([*(olds.get("jobNames") or ()), base_name]))
        result_uri = parse_oss_uri(str(inputs["resultUri"])).join(RESULT_NAME)
        try:
            # The result of an earlier run must not be read as the result of this run.
            finished = JobRunner(inputs, base_name, call).run(
                before_create=lambda: call.services.oss.delete(result_uri)
            )
        except (JobFailedError, JobLeftRunningError) as error:
            status = "Failed" if isinstance(error, JobFailedError) else "Running"
            outputs = {
                **inputs,
                **{name: olds.get(name) for name in _OUTPUTS},
                "jobNames": names,
                "status": status,
            }
            raise PartialError(str(error), call.resource_id or base_name, outputs) from error
        result = finished.result or {}
        for entry in result.get("set_aside") or ():
            call.log(f"skipped {entry.get('document')}: {entry.get('reason')}", "warning")
        counts = {name: result.get(key) for name, key in _COUNTS.items()}
        return {**job_outputs(finished, names), **counts, "contentHash": _content_hash(inputs)}

    def read(
        self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        require_known_state(inputs, ("workspaceId", "displayName"), self.token)
        outputs = {name: olds.get(name) for name in _OUTPUTS}
        job = find_recorded_job(inputs, olds, call)
        if job is None:
            outputs["status"] = DELETED if olds.get("status") in (SUCCEEDED, DELETED) else "Failed"
        elif job.succeeded and olds.get("status") != SUCCEEDED:
            # It succeeded after the engine stopped waiting; `up` reads its result.
            outputs["status"] = "Running"
        else:
            outputs["status"] = job.status
        return dict(inputs), outputs

    def update(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], call: Call
    ) -> dict[str, Any]:
        if _is_current(olds, inputs):
            return {name: olds.get(name) for name in _OUTPUTS}
        base_name = jobs.job_name(inputs, **_also(inputs, olds.get("jobId")))
        return self._run(inputs, base_name, olds, call)

    def delete(self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call) -> None:
        delete_jobs(str(inputs["workspaceId"]), list(olds.get("jobNames") or ()), call)


def _also(inputs: Mapping[str, Any], previous_job_id: Any) -> dict[str, Any]:
    return {
        "documents": inputs.get("documents"),
        "indexName": inputs.get("indexName"),
        "indexUuid": inputs.get("indexUuid"),
        "previousJobId": previous_job_id,
    }


def _content_hash(inputs: Mapping[str, Any]) -> str:
    """Return a hash of the index's content after a run with these inputs."""
    hashed = {name: inputs.get(name) for name in jobs.HASHED_INPUTS}
    return jobs.content_hash({**hashed, **_also(inputs, None)})


def _is_current(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    """Return whether the last run succeeded for these inputs; False while one is unknown."""
    hashed = [inputs.get(name) for name in jobs.HASHED_INPUTS]
    if contains_unknown(hashed) or contains_unknown(_also(inputs, None)):
        return False
    done = olds.get("status") in (SUCCEEDED, DELETED)
    return done and olds.get("contentHash") == _content_hash(inputs)


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
