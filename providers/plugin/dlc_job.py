"""Life cycle of ``customrag:pai:DlcJob`` and the checks that every job resource shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from alibabacloud_pai_dlc20201203 import models

from pluginhost import UNKNOWN, PartialError, ProviderError, contains_unknown
from providers import jobs
from providers.clients.dlc import Job
from providers.clients.errors import ClientError, NotFoundError
from providers.clients.oss_uri import OssUri, parse_oss_uri
from providers.declaration import Input, inputs_of
from providers.dlc_job import DlcJob, DlcJobArgs
from providers.plugin.framework import Call, Change, Failure, Handler, Values, compare
from providers.plugin.job_runner import RESULT_NAME, Finished, JobEndedError, JobRunner, delete_jobs

__all__ = [
    "DELETED",
    "SUCCEEDED",
    "DlcJobHandler",
    "JobHandler",
    "find_recorded_job",
    "is_done",
    "known_job_name",
]

SUCCEEDED: Final = "Succeeded"
DELETED: Final = "Deleted"
LOST: Final = "Lost"
"""The job succeeded, but what it wrote is not in OSS any more."""
# Source: CreateJob, JobType (alibabacloud_pai_dlc20201203 1.11.6).
JOB_TYPES: Final = (
    "TFJob",
    "PyTorchJob",
    "MPIJob",
    "XGBoostJob",
    "OneFlowJob",
    "ElasticBatchJob",
    "SlurmJob",
    "RayJob",
    "DataJuicerJob",
)
# Source: CreateJob, "total parameters at most 65,536 bytes" (help.aliyun.com, read 2026-11).
_BODY_LIMIT_BYTES: Final = 65_536
_LOST_RESULT_ADVICE: Final = "lostResultAdvice"


class JobHandler(Handler):
    """What the resources that run a DLC job share."""

    outputs: ClassVar[tuple[str, ...]] = (
        *("jobId", "jobName", "jobNames", "status", "durationSeconds", "result"),
    )
    needed = ("workspaceId", "displayName")

    def check(self, inputs: Values) -> Iterator[Failure]:
        """Yield inputs that the DLC service would refuse."""
        name = inputs.get("displayName")
        if isinstance(name, str) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}", name):
            yield Failure(
                "displayName",
                f"is {name!r}; allowed are 1 to 128 letters, digits, '-', '_' and '.', a letter or "
                "digit first",
            )
        job_type = inputs.get("jobType")
        if isinstance(job_type, str) and job_type not in JOB_TYPES:
            yield Failure("jobType", f"is {job_type!r}; allowed are {', '.join(JOB_TYPES)}")
        yield from _check_uri(inputs.get("resultUri"))
        yield from _check_structures(inputs, self.inputs)

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        delete_jobs(str(inputs["workspaceId"]), list(olds.get("jobNames") or ()), call)

    def bring_to_success(
        self,
        inputs: Values,
        base_name: str,
        recorded: Values,
        call: Call,
        before_create: Callable[[], None] | None = None,
    ) -> Finished:
        """Run the job of that name, or adopt it.

        Raises:
            PartialError: It did not succeed. ``recorded`` are the outputs that the state keeps, so
                that `destroy` finds the job and the next `up` continues.
        """
        try:
            return JobRunner(inputs, base_name, call).run(before_create)
        except JobEndedError as error:
            outputs = {**inputs, **recorded, "status": error.status}
            raise PartialError(str(error), call.resource_id or base_name, outputs) from error

    def outputs_of(self, finished: Finished, base_names: list[str]) -> dict[str, Any]:
        """Return the outputs of a job that succeeded."""
        return {
            "jobId": finished.job.job_id,
            "jobName": finished.job.display_name,
            "jobNames": base_names,
            "status": SUCCEEDED,
            "durationSeconds": finished.job.duration_seconds,
            "result": finished.result,
        }


def is_done(olds: Values) -> bool:
    """Return whether the last job succeeded and its result is not known to be lost."""
    return olds.get("status") in (SUCCEEDED, DELETED)


def _check_uri(value: Any) -> Iterator[Failure]:
    if not isinstance(value, str):
        return
    try:
        uri = parse_oss_uri(value)
    except ValueError as error:
        yield Failure("resultUri", str(error))
        return
    if not uri.key.endswith("/"):
        yield Failure("resultUri", f"is {value!r}; it must be a directory and end in '/'")


def _check_structures(inputs: Values, declared: Mapping[str, Input]) -> Iterator[Failure]:
    if inputs.get("jobSpecs") == []:
        yield Failure("jobSpecs", "is empty; give at least one kind of pod")
    known = {
        key: value
        for key, value in inputs.items()
        if value is not UNKNOWN and not contains_unknown(value)
    }
    known.setdefault("displayName", "name")
    try:
        body = jobs.create_job_body(known, str(known["displayName"]))
        taken = models.CreateJobRequest().from_map(body).to_map()
    except (AttributeError, TypeError) as error:
        yield Failure("jobSpecs", f"has a value of the wrong kind somewhere: {error}")
        return
    for name in (name for name, spec in declared.items() if spec.structure):
        wire = jobs.wire_name(name)
        for path in _lost(body.get(wire), taken.get(wire)):
            yield Failure(f"{name}{path}", "is not a parameter of CreateJob")
    size = len(str(body).encode())
    if size > _BODY_LIMIT_BYTES:
        yield Failure(
            "userCommand",
            f"and the other parameters have {size} bytes; CreateJob allows {_BODY_LIMIT_BYTES} in "
            "total. Put scripts and data into OSS",
        )


def _lost(given: Any, taken: Any) -> Iterator[str]:
    """Yield the paths that the vendor's own model of CreateJob drops because they are unknown."""
    if isinstance(given, Mapping):
        known = taken if isinstance(taken, Mapping) else {}
        for key, value in given.items():
            path = f".{key[:1].lower()}{key[1:]}"
            if key not in known:
                yield path
            else:
                yield from (f"{path}{rest}" for rest in _lost(value, known[key]))
    elif isinstance(given, list) and isinstance(taken, list):
        for index, (value, kept) in enumerate(zip(given, taken, strict=False)):
            yield from (f"[{index}]{rest}" for rest in _lost(value, kept))


def known_job_name(inputs: Values, previous_job_id: Any = None) -> Any:
    """Return the job's name, or ``UNKNOWN`` while one of its inputs is unknown."""
    parts = [inputs.get(name) for name in (*jobs.HASHED_INPUTS, "displayName")]
    if contains_unknown([*parts, previous_job_id]):
        return UNKNOWN
    return jobs.job_name(inputs, previous_job_id)


class DlcJobHandler(JobHandler):
    """One job for one set of inputs; another computation replaces it."""

    token = DlcJob.token
    inputs: ClassVar[Mapping[str, Input]] = {
        name: replace(spec, effect="replace") if spec.hashed else spec
        for name, spec in inputs_of(DlcJobArgs).items()
    }

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = compare(self.inputs, old_inputs, news)
        if not is_done(olds):
            changes.append(Change(path="status", kind="update"))
        elif not any(change.replaces for change in changes):
            _refuse_unnoticed_loss(old_inputs, olds, call)
        return changes

    def preview_create(self, inputs: Values) -> dict[str, Any]:
        return {
            "jobId": UNKNOWN,
            "jobName": known_job_name(inputs),
            "status": SUCCEEDED,
            "durationSeconds": UNKNOWN,
            "result": None if inputs.get("resultUri") in (None, "") else UNKNOWN,
        }

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        return self.kept(olds) if is_done(olds) else self.preview_create(inputs)

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        base_name = jobs.job_name(inputs)
        return base_name, self._run(inputs, base_name, call)

    def _run(self, inputs: Values, base_name: str, call: Call) -> dict[str, Any]:
        recorded = {"jobName": base_name, "jobNames": [base_name]}
        finished = self.bring_to_success(inputs, base_name, recorded, call)
        if not finished.created:
            call.log(f"job {finished.job.display_name} ({finished.job.job_id}) was not run again")
        return self.outputs_of(finished, [base_name])

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        outputs = self.kept(olds)
        result, missing = _read_result(inputs, call)
        job = find_recorded_job(inputs, olds, call)
        if job is not None:
            outputs |= {
                "jobId": job.job_id,
                "jobName": job.display_name,
                "status": job.status,
                "durationSeconds": job.duration_seconds,
            }
        elif result is None:
            return None
        else:
            outputs["status"] = DELETED
        if inputs.get("resultUri"):
            if missing and outputs["status"] in (SUCCEEDED, DELETED):
                call.log(f"{missing} is not there any more", "warning")
                outputs["status"] = LOST
            outputs["result"] = result
        return dict(inputs), outputs

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        if is_done(olds):
            return self.kept(olds)
        names = olds.get("jobNames")
        base_name = str(names[-1]) if names else jobs.job_name(inputs)
        if olds.get("status") == LOST:
            _give_up_lost_job(inputs, olds, base_name, call)
        return self._run(inputs, base_name, call)


def find_recorded_job(inputs: Values, olds: Values, call: Call) -> Job | None:
    """Return the job in the state, or its latest attempt; ``None`` if it was deleted."""
    if olds.get("jobId") and olds.get("status") == SUCCEEDED:
        try:
            return call.services.dlc.get_job(str(olds["jobId"]))
        except NotFoundError:
            return None
    for base_name in reversed(olds.get("jobNames") or ()):
        found = call.services.dlc.find_jobs(str(inputs["workspaceId"]), str(base_name))
        attempts = jobs.attempts(str(base_name), found)
        if attempts:
            return attempts[max(attempts)]
    return None


def _read_result(inputs: Values, call: Call) -> tuple[dict[str, Any] | None, str]:
    """Return what ``result.json`` holds, and the first of the job's files that is missing.

    A result may name the files that belong to it: ``"files": {path below result_uri: bytes}``.
    """
    if not inputs.get("resultUri"):
        return None, ""
    folder = parse_oss_uri(str(inputs["resultUri"]))
    try:
        result = call.services.oss.get_json(folder.join(RESULT_NAME))
        if not isinstance(result, dict):
            return None, f"{folder}{RESULT_NAME}"
        files: Mapping[str, Any] = result.get("files") or {}
        present = _sizes(folder, files, call)
    except NotFoundError:
        return None, f"{folder}{RESULT_NAME}"
    lost = [path for path, size in sorted(files.items()) if present.get(path) != size]
    return result, f"{folder}{lost[0]}" if lost else ""


def _sizes(folder: OssUri, files: Mapping[str, Any], call: Call) -> dict[str, int]:
    """Return the sizes in bytes of the objects beside the files, by path below `folder`."""
    found = {}
    for name in sorted({path.partition("/")[0] for path in files}):
        for info in call.services.oss.list(OssUri(folder.bucket, f"{folder.key}{name}")):
            found[info.key.removeprefix(folder.key)] = info.size_bytes
    return found


def _refuse_unnoticed_loss(inputs: Values, olds: Values, call: Call) -> None:
    """Refuse to continue with a result that is lost, before a refresh has noticed it.

    Raises:
        ProviderError: The result is not in OSS any more.
    """
    try:
        _, missing = _read_result(inputs, call)
    except ClientError:
        # The preview may lack the permission, or OSS may not answer: leave it to a refresh.
        return
    if missing:
        raise ProviderError(
            f"the result of job {olds.get('jobName')} is lost: {missing} is not there any more. "
            "Run `pulumi refresh`, then `pulumi up`, to see what else is gone and recover it."
        )


def _give_up_lost_job(inputs: Values, olds: Values, base_name: str, call: Call) -> None:
    """Delete the records of a job whose result is lost, so that it can run again.

    Raises:
        ProviderError: The inputs have advice, so the user decides first.
    """
    _, missing = _read_result(inputs, call)
    lost = f"the result of job {olds.get('jobName')} is lost"
    if missing:
        lost += f": {missing} is not there any more"
    advice = inputs.get(_LOST_RESULT_ADVICE)
    if advice:
        raise ProviderError(f"{lost}. {advice}")
    call.log(f"{lost}; the job runs again", "warning")
    delete_jobs(str(inputs["workspaceId"]), [base_name], call)
