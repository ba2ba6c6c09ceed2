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

__all__ = ["attempt_name", "job_name"]

# These inputs decide what a job computes. Place, priority, time limit and role do not: a change of
# those must never train a model again.
HASHED_INPUTS: Final = (
    "jobType",
    "jobSpecs",
    "dataSources",
    "userCommand",
    "envs",
    "thirdpartyLibs",
    "triggers",
    "resultUri",
)
_DIGITS: Final = 12

# Wire names of the DLC API that are not the input's name with a capital first letter.
# Source: alibabacloud_pai_dlc20201203 1.11.6, ResourceConfig and CreateJobRequestUserVpc.
_WIRE_NAMES: Final = {
    "cpu": "CPU",
    "gpu": "GPU",
    "gpuType": "GPUType",
    "extendedCidrs": "ExtendedCIDRs",
}
_BODY: Final = {
    "workspaceId": "WorkspaceId",
    "jobType": "JobType",
    "jobSpecs": "JobSpecs",
    "dataSources": "DataSources",
    "userCommand": "UserCommand",
    "envs": "Envs",
    "userVpc": "UserVpc",
    "credentialConfig": "CredentialConfig",
    "thirdpartyLibs": "ThirdpartyLibs",
    "maxRunningTimeMinutes": "JobMaxRunningTimeMinutes",
    "priority": "Priority",
    "resourceId": "ResourceId",
}
# Values whose keys belong to the user.
_VERBATIM: Final = frozenset({"envs", "triggers"})


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


def job_name(inputs: Mapping[str, Any], **also: Any) -> str:
    """Return ``<displayName>-<hash>`` for a job's inputs.

    Args:
        inputs: The job's inputs by their wire names, all known.
        also: Further values that decide what the job computes.
    """
    hashed = {name: inputs.get(name) for name in HASHED_INPUTS}
    return f"{inputs['displayName']}-{content_hash({**hashed, **also})}"


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
    for number in sorted(found, reverse=True):
        if found[number].succeeded:
            return Decision(
                action="take",
                name=found[number].display_name,
                attempt=number,
                job=found[number],
            )
    for number in sorted(found, reverse=True):
        if not found[number].finished:
            return Decision(
                action="wait",
                name=found[number].display_name,
                attempt=number,
                job=found[number],
            )
    if not found:
        return Decision(action="create", name=base_name, attempt=1)
    last = max(found)
    if last >= max_attempts:
        return Decision(
            action="give up", name=found[last].display_name, attempt=last, job=found[last]
        )
    name = attempt_name(base_name, last + 1)
    return Decision(action="create", name=name, attempt=last + 1, job=found[last])


def create_job_body(inputs: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the body of CreateJob, by its wire names.

    Args:
        inputs: The job's inputs by their Pulumi wire names.
        name: The job's display name.
    """
    body: dict[str, Any] = {"DisplayName": name, "Accessibility": "PRIVATE"}
    for source, target in _BODY.items():
        value = inputs.get(source)
        if value is None or value in ({}, []):
            continue
        body[target] = _plain(value) if source in _VERBATIM else _wire(value)
    return body


def _wire(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            _WIRE_NAMES.get(key, key[:1].upper() + key[1:]): (
                _plain(item) if key in _VERBATIM else _wire(item)
            )
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        return [_wire(item) for item in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value whose whole numbers are ``int``, because the service takes no fractions."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


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
