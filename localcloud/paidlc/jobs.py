"""The records of DLC jobs, and their form in the API.

Owns the documents in the store and the changes of a job's status. It does not run jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from localcloud.core.home import Platform
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.store import Store
from localcloud.core.times import timestamp
from localcloud.paidlc.errors import invalid_parameter, job_not_found, pod_not_found
from localcloud.paidlc.status import CREATING, FOLLOWS, RUNNING, TERMINAL, TIME_OF

Document = dict[str, Any]

_TABLE: Final = "paidlc.jobs"
_COUNTER: Final = "paidlc.counter"
_KEPT_EVENTS: Final = 200
# ListJobs without StartTime returns the last seven days (SDK docstring of StartTime).
_LOOK_BACK_SECONDS: Final = 7 * 86_400
_SORT_FIELD: Final = "GmtCreateTime"


class Jobs:
    """All jobs of a local stack, kept in its store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.table(_TABLE)

    def add(self, job_id: str, request: Document, pods: list[Document], owner: str) -> None:
        """Add a job in status ``Creating``."""
        now = time.time()
        counter = self._store.table(_COUNTER).update(
            "jobs", lambda entry: {"last": (entry or {"last": 0})["last"] + 1}
        )
        self._table.put(
            job_id,
            {
                "job_id": job_id,
                "sequence": (counter or {"last": 0})["last"],
                "request": request,
                "owner": owner,
                "status": CREATING,
                "reason_code": "",
                "reason_message": "",
                "created_at": now,
                "times": {"GmtCreateTime": timestamp(now), "GmtSubmittedTime": timestamp(now)},
                "history": [_entry(CREATING, "", "")],
                "events": [],
                "pods": pods,
                "restarts": 0,
                "prepared": False,
                "running_at": None,
                "finished_at": None,
                "stop_requested": False,
                "master_address": None,
                "master_port": None,
            },
        )

    def get(self, job_id: str) -> Document:
        """Return the document of a job.

        Raises:
            CloudError: ``JobNotFound``.
        """
        job = self._table.get(job_id)
        if job is None:
            raise job_not_found(job_id)
        return job

    def all(self) -> list[Document]:
        """Return all jobs in order of creation."""
        return sorted((job for _, job in self._table.items()), key=lambda job: int(job["sequence"]))

    def change(self, job_id: str, change: Callable[[Document], None]) -> Document:
        """Change a job's document atomically.

        Raises:
            CloudError: ``JobNotFound``.
        """

        def apply(job: Document | None) -> Document:
            if job is None:
                raise job_not_found(job_id)
            change(job)
            return job

        return self._table.update(job_id, apply) or {}

    def move(self, job_id: str, status: str, code: str = "", message: str = "") -> Document:
        """Move a job to its next status.

        Raises:
            ValueError: The status cannot follow the current one.
        """

        def apply(job: Document) -> None:
            if status not in FOLLOWS[job["status"]]:
                raise ValueError(f"job {job_id} cannot go from {job['status']} to {status}")
            now = time.time()
            job["history"][-1]["EndTime"] = timestamp(now)
            job["history"].append(_entry(status, code, message))
            job.update(status=status, reason_code=code, reason_message=message)
            if status in TIME_OF:
                job["times"].setdefault(TIME_OF[status], timestamp(now))
            if status == RUNNING and job["running_at"] is None:
                job["running_at"] = now
            if status in TERMINAL:
                job["finished_at"] = now
                job["times"]["GmtFinishTime"] = timestamp(now)
            _note(job, f"job is {status}" + (f": {message}" if message else ""))

        return self.change(job_id, apply)

    def note(self, job_id: str, text: str) -> None:
        """Add an event."""
        self.change(job_id, lambda job: _note(job, text))

    def delete(self, job_id: str) -> None:
        """Delete the record of a job."""
        self._table.delete(job_id)


def pod_of(job: Document, pod_id: str) -> Document:
    """Return the entry of a pod in a job's document.

    Raises:
        CloudError: ``PodNotFound``.
    """
    for pod in job["pods"]:
        if pod["pod_id"] == pod_id:
            found: Document = pod
            return found
    raise pod_not_found(job["job_id"], pod_id)


def describe(job: Mapping[str, Any], platform: Platform) -> Document:
    """Return a job in the format of GetJob and ListJobs."""
    request = job["request"]
    end = job["finished_at"] or time.time()
    return {
        "JobId": job["job_id"],
        "DisplayName": request["DisplayName"],
        "Description": request.get("Description", ""),
        "JobType": request["JobType"],
        "WorkspaceId": request["WorkspaceId"],
        "Accessibility": request["Accessibility"],
        "Priority": request["Priority"],
        "ResourceId": request.get("ResourceId", ""),
        "ResourceType": "ECS",
        "UserCommand": request["UserCommand"],
        "UserId": platform.account_id,
        "Envs": request["Envs"],
        "JobSpecs": request["JobSpecs"],
        "DataSources": request["DataSources"],
        "ThirdpartyLibs": request.get("ThirdpartyLibs", []),
        "JobMaxRunningTimeMinutes": request.get("JobMaxRunningTimeMinutes"),
        "CredentialConfig": request.get("CredentialConfig"),
        "UserVpc": request.get("UserVpc"),
        "Settings": request.get("Settings"),
        "Status": job["status"],
        "SubStatus": "",
        "ReasonCode": job["reason_code"],
        "ReasonMessage": job["reason_message"],
        "StatusHistory": job["history"],
        "Duration": int(end - job["running_at"]) if job["running_at"] else 0,
        "RestartTimes": str(job["restarts"]),
        "Pods": [_pod(pod) for pod in job["pods"] if pod["attempts"]],
        **_requested(request),
        **job["times"],
    }


def _requested(request: Mapping[str, Any]) -> Document:
    """Return the total resources of the pods: whole CPUs and GPUs, memory in GiB."""
    total = {"RequestCPU": 0, "RequestGPU": 0, "RequestMemory": 0}
    for spec in request["JobSpecs"]:
        known = INSTANCE_TYPES.get(spec.get("EcsSpec", ""))
        if known is not None:
            total["RequestCPU"] += known.cpu * spec["PodCount"]
            total["RequestGPU"] += known.gpu * spec["PodCount"]
            total["RequestMemory"] += known.memory_gib * spec["PodCount"]
    return dict(total)


def _pod(pod: Mapping[str, Any]) -> Document:
    *earlier, last = pod["attempts"]
    return {
        **_attempt(pod, last),
        "Status": pod["status"],
        "HistoryPods": [_attempt(pod, attempt) for attempt in earlier],
    }


def _attempt(pod: Mapping[str, Any], attempt: Mapping[str, Any]) -> Document:
    return {
        "PodId": pod["pod_id"],
        "PodUid": attempt["pod_uid"],
        "Type": pod["type"],
        "Status": attempt["status"],
        "SubStatus": "Normal",
        "Ip": attempt["address"],
        "GmtCreateTime": attempt["started_at"],
        "GmtStartTime": attempt["started_at"],
        "GmtFinishTime": attempt["finished_at"],
        "ResourceType": "Normal",
    }


def list_jobs(jobs: list[Document], query: Mapping[str, str]) -> tuple[list[Document], int]:
    """Return one page of the jobs that match a ListJobs query, and the total number.

    Raises:
        CloudError: ``InvalidParameter``.
    """
    found = [job for job in jobs if _matches(job, query)]
    if query.get("SortBy", _SORT_FIELD) != _SORT_FIELD:
        raise invalid_parameter("SortBy", query["SortBy"], _SORT_FIELD)
    order = query.get("Order", "desc")
    if order not in ("asc", "desc"):
        raise invalid_parameter("Order", order, "asc or desc")
    found.sort(key=lambda job: int(job["sequence"]), reverse=order == "desc")
    number = _number(query, "PageNumber", 1, 1_000_000)
    size = _number(query, "PageSize", 10, 1000)
    return found[(number - 1) * size : number * size], len(found)


def _matches(job: Document, query: Mapping[str, str]) -> bool:
    request = job["request"]
    if query.get("WorkspaceId") not in (None, "", request["WorkspaceId"]):
        return False
    if query.get("DisplayName", "").lower() not in request["DisplayName"].lower():
        return False
    start = query.get("StartTime") or timestamp(time.time() - _LOOK_BACK_SECONDS)
    return bool(start <= job["times"]["GmtCreateTime"])


def _number(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = query.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= highest:
        raise invalid_parameter(name, text, f"a whole number of 1 to {highest}")
    return int(text)


def _entry(status: str, code: str, message: str) -> Document:
    return {
        "Status": status,
        "StartTime": timestamp(),
        "EndTime": "",
        "ReasonCode": code,
        "ReasonMessage": message,
    }


def _note(job: Document, text: str) -> None:
    job["events"] = [*job["events"], f"{timestamp()} {text}"][-_KEPT_EVENTS:]
