"""Planning of DLC jobs: names from content, decisions about existing jobs, request bodies.

Owns the decisions that keep a paid job from starting twice. All functions are pure. Does not own
calls of the service, nor waiting (``providers.plugin.job_runner``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from .clients.dlc import Job
from .declaration import inputs_of
from .dlc_job import DlcJobArgs
from .ingest_run import IngestRunArgs
from .wire import whole_numbers

__all__ = ["attempt_name", "inputs_hash", "job_name"]

_INPUTS: Final = {**inputs_of(DlcJobArgs), **inputs_of(IngestRunArgs)}
HASHED_INPUTS: Final = tuple(name for name, spec in _INPUTS.items() if spec.hashed)
"""The inputs of any kind of job that decide what it computes."""
_DIGITS: Final = 12

# Wire names of the DLC API that are not the input's name with a capital first letter.
# Source: alibabacloud_pai_dlc20201203 1.11.6, CreateJobRequest, ResourceConfig and
# CreateJobRequestUserVpc.
_WIRE_NAMES: Final = {
    "cpu": "CPU",
    "gpu": "GPU",
    "gpuType": "GPUType",
    "extendedCidrs": "ExtendedCIDRs",
    "maxRunningTimeMinutes": "JobMaxRunningTimeMinutes",
}


def content_hash(value: Any) -> str:
    """Return 12 hexadecimal digits over a plain value; ``None`` and empty members do not count.

    Args:
        value: Mappings, sequences, strings, numbers, booleans, nested.
    """
    text = json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = {str(key): _canonical(item) for key, item in value.items()}
        return {key: item for key, item in members.items() if item not in (None, {}, [])}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def inputs_hash(inputs: Mapping[str, Any], previous_job_id: str | None = None) -> str:
    """Return the hash of the inputs that decide what a job computes, see ``content_hash``.

    Args:
        inputs: The job's inputs by their wire names, all known. A missing one does not count.
        previous_job_id: The job on whose work this one builds.
    """
    hashed = {name: inputs.get(name) for name in HASHED_INPUTS}
    return content_hash({**hashed, "previousJobId": previous_job_id})


def job_name(inputs: Mapping[str, Any], previous_job_id: str | None = None) -> str:
    """Return ``<displayName>-<hash>`` for a job's inputs, see ``inputs_hash``."""
    return f"{inputs['displayName']}-{inputs_hash(inputs, previous_job_id)}"


def attempt_name(base_name: str, attempt: int) -> str:
    """Return the name of the first, second, … job for the same inputs."""
    return base_name if attempt == 1 else f"{base_name}-{attempt}"


def attempts(base_name: str, jobs: Iterable[Job]) -> dict[int, Job]:
    """Return the jobs among ``jobs`` that are attempts at ``base_name``, by number.

    Of two jobs of one name the younger one counts.
    """
    pattern = re.compile(rf"{re.escape(base_name)}(?:-([2-9]|[1-9][0-9]+))?")
    found: dict[int, Job] = {}
    for job in sorted(jobs, key=lambda job: job.created_at):
        match = pattern.fullmatch(job.display_name)
        if match:
            found[int(match.group(1) or 1)] = job
    return found


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The decision about a job.

    Attributes:
        action: ``take`` the result of ``job``, ``wait`` for ``job``, ``create`` one named
            ``name``, or ``give up`` because ``job`` was the last attempt allowed.
        name: Name of the job to wait for, take or create.
        attempt: Its number, from 1.
        job: The job that was found; ``None`` if no job exists.
    """

    action: Literal["take", "wait", "create", "give up"]
    name: str
    attempt: int
    job: Job | None = None


def decide(base_name: str, jobs: Iterable[Job], max_attempts: int) -> Decision:
    """Decide what to do, given the jobs that exist.

    A succeeded job is taken. An unfinished job is waited for. Both may be any attempt. A new job is
    created only if there is neither.

    Args:
        base_name: The result of ``job_name``.
        jobs: Jobs of the workspace.
        max_attempts: The highest number of jobs to create.
    """
    found = attempts(base_name, jobs)
    latest_first = sorted(found.items(), reverse=True)
    for number, job in latest_first:
        if job.succeeded:
            return Decision(action="take", name=job.display_name, attempt=number, job=job)
    for number, job in latest_first:
        if not job.finished:
            return Decision(action="wait", name=job.display_name, attempt=number, job=job)
    if not latest_first:
        return Decision(action="create", name=base_name, attempt=1)
    last, job = latest_first[0]
    if last >= max_attempts:
        return Decision(action="give up", name=job.display_name, attempt=last, job=job)
    name = attempt_name(base_name, last + 1)
    return Decision(action="create", name=name, attempt=last + 1, job=job)


def create_job_body(inputs: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the body of CreateJob, by its wire names.

    Args:
        inputs: The job's inputs by their Pulumi wire names.
        name: The job's display name.
    """
    given = {
        key: value
        for key, value in inputs.items()
        if key in _INPUTS and _INPUTS[key].sent and value not in (None, {}, [])
    }
    return {"DisplayName": name, "Accessibility": "PRIVATE", **_wire(given)}


def wire_name(name: str) -> str:
    """Return the name of an input, or of a member of one, in CreateJob."""
    return _WIRE_NAMES.get(name, name[:1].upper() + name[1:])


def _wire(value: Any) -> Any:
    if isinstance(value, Mapping):
        # The keys of `envs` are the user's.
        return {
            wire_name(key): whole_numbers(item) if key == "envs" else _wire(item)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        return [_wire(item) for item in value]
    return whole_numbers(value)


def duration_text(seconds: float) -> str:
    """Return a duration like ``45s``, ``2m10s`` or ``1h05m``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def status_line(job: Job, last_log_line: str) -> str:
    """Return a line for the engine's status: ``Running 2m10s, step 120/300, loss 0.41``."""
    parts = [f"{job.status} {duration_text(job.duration_seconds)}"]
    if job.restart_times:
        parts.append(f"restarted {job.restart_times} times")
    if last_log_line:
        parts.append(last_log_line[:160])
    elif job.reason_message and job.status != "Running":
        parts.append(job.reason_message[:160])
    return ", ".join(parts)
