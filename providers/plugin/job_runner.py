"""One DLC job from the first look to its result: adopt, create, wait, read, stop, delete.

Owns the calls of DLC for a job. Does not own the decisions (``providers.jobs``). A call creates a
job at most once, and never when a job of that name runs or has succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pluginhost import OperationCancelledError, ProviderError
from providers import jobs
from providers.clients.dlc import Job
from providers.clients.errors import (
    ClientError,
    ConflictError,
    ConnectionFailedError,
    NotFoundError,
    TransientError,
)
from providers.clients.oss_uri import parse_oss_uri
from providers.plugin.framework import Call, Values

__all__ = [
    "RESULT_NAME",
    "Finished",
    "JobEndedError",
    "JobRunner",
    "delete_jobs",
]

RESULT_NAME: Final = "result.json"
LOG_TAIL_LINES: Final = 25
# A job may wait this long in a queue for capacity, on top of its own run time.
_QUEUE_ALLOWANCE_SECONDS: Final = 3600.0
# The service may not answer for a while (a deploy, a restart) although the job is fine.
_OUTAGE_TOLERANCE_SECONDS: Final = 180.0
_STOP_DEADLINE_SECONDS: Final = 300.0
_RESULT_DEADLINE_SECONDS: Final = 15.0


class JobEndedError(ProviderError):
    """Waiting for a job ended without its result.

    Attributes:
        status: Status to record for the job.
    """

    status: str


class JobFailedError(JobEndedError):
    """A job ended without success, or its result does not exist."""

    status = "Failed"


class JobLeftRunningError(JobEndedError):
    """Waiting ended (cancelled, deadline, no answer) while the job keeps running."""

    status = "Running"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job that succeeded.

    Attributes:
        result: The content of ``result.json``; ``None`` if the job declares no result.
        created: Whether this call created the job and did not adopt it.
    """

    job: Job
    result: dict[str, Any] | None
    created: bool


class JobRunner:
    """Runs the job of one resource.

    Args:
        inputs: The job's inputs by their wire names.
        base_name: The result of ``jobs.job_name``.
        call: The operation of the engine.
    """

    def __init__(self, inputs: Values, base_name: str, call: Call) -> None:
        self._inputs = inputs
        self._base_name = base_name
        self._call = call
        self._dlc = call.services.dlc

    def run(self, before_create: Callable[[], None] | None = None) -> Finished:
        """Bring the job to success; adopt it if it exists.

        Args:
            before_create: Called just before a create, not before an adoption.

        Raises:
            JobFailedError: It failed, all its attempts failed, or the result is missing.
            JobLeftRunningError: Waiting ended, and the job keeps running.
        """
        decision = jobs.decide(self._base_name, self._find(), self._max_attempts)
        job, created = decision.job, False
        if decision.action == "give up" and job is not None:
            raise self._attempts_used_up(job, decision.attempt)
        if decision.action == "create" or job is None:
            if before_create:
                before_create()
            job, created = self._create(decision.name), True
        elif decision.action == "wait":
            self._call.log(f"job {job.display_name} ({job.job_id}) is {job.status}: adopted")
        if decision.action != "take":
            job = self._wait(job)
        if not job.succeeded:
            raise self._failure(job, decision.attempt)
        return Finished(job=job, result=self._result(job), created=created)

    @property
    def _max_attempts(self) -> int:
        return int(self._inputs.get("maxAttempts") or 1)

    def _find(self) -> list[Job]:
        return self._dlc.find_jobs(str(self._inputs["workspaceId"]), self._base_name)

    def _create(self, name: str) -> Job:
        body = jobs.create_job_body(self._inputs, name)
        self._call.status(f"creating job {name}")
        try:
            return self._dlc.get_job(self._dlc.create_job(body))
        except (ConnectionFailedError, ConflictError) as error:
            # The reply was lost or came twice; only a look-up shows whether the job exists.
            for job in self._find():
                if job.display_name == name:
                    return job
            raise ProviderError(
                f"job {name} was not created: {error}. Run `pulumi up` again."
            ) from error

    def _wait(self, job: Job) -> Job:
        deadline = self._call.clock() + self._deadline_seconds
        started = self._call.clock()
        last_answer = started
        while not job.finished:
            if self._call.clock() >= deadline:
                raise JobLeftRunningError(
                    f"job {job.display_name} ({job.job_id}) is still {job.status} after "
                    f"{jobs.duration_text(self._deadline_seconds)}. It keeps running, and the next "
                    "`pulumi up` adopts it. Raise custom_timeouts to wait longer."
                )
            try:
                self._call.wait(_pause_seconds(self._call.clock() - started))
                job = self._dlc.get_job(job.job_id)
                self._call.status(jobs.status_line(job, self._last_line(job)))
                last_answer = self._call.clock()
            except OperationCancelledError as error:
                raise JobLeftRunningError(
                    f"cancelled: job {job.display_name} ({job.job_id}) keeps running. The next "
                    "`pulumi up` adopts it; `pulumi destroy` stops it."
                ) from error
            except NotFoundError as error:
                raise JobFailedError(
                    f"job {job.display_name} ({job.job_id}) was deleted during the wait. Run "
                    "`pulumi up` again to start another one."
                ) from error
            except TransientError as error:
                if self._call.clock() - last_answer > _OUTAGE_TOLERANCE_SECONDS:
                    raise JobLeftRunningError(
                        f"DLC does not answer about job {job.display_name} ({job.job_id}): {error}."
                        " It may still run; the next `pulumi up` adopts it."
                    ) from error
        return job

    @property
    def _deadline_seconds(self) -> float:
        if self._call.timeout_seconds:
            return self._call.timeout_seconds
        minutes = float(self._inputs.get("maxRunningTimeMinutes") or 0)
        return minutes * 60 + _QUEUE_ALLOWANCE_SECONDS

    def _last_line(self, job: Job) -> str:
        if job.status != "Running":
            return ""
        try:
            lines = [line for line in self._dlc.log_lines(job, max_lines=5) if line.strip()]
        except ClientError:
            # Only progress: a job whose log cannot be read may be fine.
            return ""
        return lines[-1].strip() if lines else ""

    def _result(self, job: Job) -> dict[str, Any] | None:
        uri = self._inputs.get("resultUri")
        if not uri:
            return None
        target = parse_oss_uri(str(uri)).join(RESULT_NAME)
        deadline = self._call.clock() + _RESULT_DEADLINE_SECONDS
        while True:
            try:
                result = self._call.services.oss.get_json(target)
                break
            except NotFoundError as error:
                # A pod's output reaches OSS when its mount closes, which may be shortly after.
                if self._call.clock() >= deadline:
                    raise JobFailedError(
                        f"job {job.display_name} ({job.job_id}) succeeded, but {target} does not "
                        "exist. Check that the job writes result.json to the directory in "
                        "result_uri, and that it is mounted RW. Change `triggers` to run it "
                        "again."
                    ) from error
                self._call.wait(1.0)
        if not isinstance(result, dict):
            raise JobFailedError(
                f"{target} of job {job.display_name} contains a {type(result).__name__}; "
                "it must contain a JSON object"
            )
        return result

    def _failure(self, job: Job, attempt: int) -> JobFailedError:
        allowed = self._max_attempts
        again = (
            f"`pulumi up` starts attempt {attempt + 1} of {allowed}, from its output directory"
            if attempt < allowed
            else f"this was attempt {attempt} of {allowed}; {_WAYS_ON}"
        )
        return JobFailedError(f"{self._story(job)}\nNext: {again}")

    def _attempts_used_up(self, last: Job, attempt: int) -> JobFailedError:
        return JobFailedError(
            f"no further attempt: {attempt} of {self._max_attempts} have failed.\n"
            f"The last one: {self._story(last)}\nNext: {_WAYS_ON}"
        )

    def _story(self, job: Job) -> str:
        reason = ": ".join(part for part in (job.reason_code, job.reason_message) if part)
        ran = jobs.duration_text(job.duration_seconds)
        text = f"job {job.display_name} ({job.job_id}) {job.status} after {ran}"
        if reason:
            text += f" ({reason})"
        try:
            lines = self._dlc.log_lines(job, max_lines=LOG_TAIL_LINES)
        except ClientError as error:
            return f"{text}. Its log could not be read: {error}"
        if not lines:
            return f"{text}. It wrote no log."
        return text + ". The end of its log:\n" + "\n".join(f"  {line}" for line in lines)


_WAYS_ON: Final = (
    "change what failed (the inputs, or `triggers` to run the same again), "
    "raise max_attempts, or delete the failed jobs"
)


def _pause_seconds(waited: float) -> float:
    """Return a short pause at first, because local jobs are short; long ones later."""
    if waited < 60:
        return 1.0
    return 3.0 if waited < 600 else 15.0


def delete_jobs(workspace_id: str, base_names: Sequence[str], call: Call) -> None:
    """Stop the running jobs of these names and delete the records of all their attempts.

    Succeeds if there are no such jobs.

    Raises:
        ProviderError: A job does not stop in time.
        ClientError: The service refused.
    """
    for base_name in base_names:
        try:
            found = call.services.dlc.find_jobs(workspace_id, base_name)
        except NotFoundError:
            continue
        for job in jobs.attempts(base_name, found).values():
            _stop(job, call)
            call.services.dlc.delete_job(job.job_id)


def _stop(job: Job, call: Call) -> None:
    dlc = call.services.dlc
    deadline = call.clock() + (call.timeout_seconds or _STOP_DEADLINE_SECONDS)
    asked = False
    while not job.finished:
        try:
            if not asked:
                call.status(f"stopping job {job.display_name}")
                dlc.stop_job(job.job_id)
                asked = True
            call.wait(1.0)
            job = dlc.get_job(job.job_id)
        except NotFoundError:
            return
        except ConflictError:
            # It finished between the look and the request.
            job = dlc.get_job(job.job_id)
        if not job.finished and call.clock() >= deadline:
            raise ProviderError(
                f"job {job.display_name} ({job.job_id}) is still {job.status} after a request to "
                "stop. Stop it in the PAI console and run `pulumi destroy` again."
            )
