"""PAI DLC jobs: create, find by name, watch, stop, delete, read logs.

Owns calls to PAI-DLC 2020-12-03 (``alibabacloud_pai_dlc20201203`` 1.11) and the reading of its job
statuses. It does not decide whether to start a job (``providers.jobs``).
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alibabacloud_pai_dlc20201203 import models
from alibabacloud_pai_dlc20201203.client import Client

from . import openapi
from .credentials import Credentials
from .errors import NotFoundError
from .retries import Retries

__all__ = ["TERMINAL_STATUSES", "DlcClient", "Job", "Pod"]

SUCCEEDED: Final = "Succeeded"
# Statuses that a job does not leave. Source: GetJob, help.aliyun.com/zh/pai, read 2026-11.
TERMINAL_STATUSES: Final = frozenset({SUCCEEDED, "Failed", "Stopped"})
# ListJobs returns the last 7 days unless it gets a start time (SDK docstring of StartTime).
_LOOK_BACK_DAYS: Final = 365
_PAGE_SIZE: Final = 100


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One pod of a job."""

    pod_id: str
    pod_uid: str
    type: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """A DLC job as the service describes it.

    Attributes:
        status: e.g. ``Queuing``, ``Running``, ``Succeeded``; see ``TERMINAL_STATUSES``.
        reason_code: Why it is in this status; empty if not told.
        duration_seconds: Run time so far.
        created_at: ISO 8601 time; sorts in order of creation.
    """

    job_id: str
    display_name: str
    status: str
    reason_code: str = ""
    reason_message: str = ""
    duration_seconds: int = 0
    restart_times: int = 0
    created_at: str = ""
    pods: tuple[Pod, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether the status is final."""
        return self.status in TERMINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status == SUCCEEDED


class DlcClient:
    """DLC jobs behind one endpoint.

    Args:
        endpoint: e.g. ``pai-dlc.cn-hangzhou.aliyuncs.com``; ``[http[s]://]host[:port]``.
        region_id: e.g. ``cn-hangzhou``.
        credentials: As ``credentials_provider`` gives them.
        retries: Retry policy of everything but creation; the default one if ``None``.
        client: The SDK client to use in place of one made from the endpoint.
    """

    def __init__(
        self,
        endpoint: str,
        region_id: str,
        credentials: Credentials,
        *,
        retries: Retries | None = None,
        client: Any = None,
    ) -> None:
        self._client = client or Client(openapi.client_config(endpoint, region_id, credentials))
        self._retries = retries or Retries()

    def create_job(self, body: Mapping[str, Any]) -> str:
        """Create a job and return its id. Not retried: a second call would be a second paid job.

        Args:
            body: The body of CreateJob, by its wire names (``DisplayName``, ``JobSpecs``, …).

        Raises:
            ConnectionFailedError: No reply; look for the job by name before anything else.
            ClientError: The service refused.
        """
        request = models.CreateJobRequest().from_map(dict(body))
        operation = f"CreateJob {body.get('DisplayName', '')}"
        response = openapi.call(operation, lambda: self._client.create_job(request))
        return str(response.body.job_id)

    def find_jobs(self, workspace_id: str, display_name_prefix: str) -> list[Job]:
        """Jobs of a workspace whose display name starts with a text, oldest first.

        The service's own filter is fuzzy and ignores case, so its answer is filtered again.

        Raises:
            ClientError: The jobs could not be listed.
        """
        found = [
            job
            for job in self._list(workspace_id, display_name_prefix)
            if job.display_name.startswith(display_name_prefix)
        ]
        return sorted(found, key=lambda job: job.created_at)

    def _list(self, workspace_id: str, display_name: str) -> Iterator[Job]:
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=_LOOK_BACK_DAYS)
        page_number, seen = 1, 0
        while True:
            request = models.ListJobsRequest(
                workspace_id=workspace_id,
                display_name=display_name,
                start_time=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                sort_by="GmtCreateTime",
                order="asc",
                page_number=page_number,
                page_size=_PAGE_SIZE,
            )
            response = self._call(f"ListJobs {display_name}", "list_jobs", request)
            items = response.body.jobs or []
            yield from (_job(item) for item in items if not item.is_deleted)
            seen += len(items)
            if not items or seen >= (response.body.total_count or 0):
                return
            page_number += 1

    def get_job(self, job_id: str) -> Job:
        """Return the job's current state.

        Raises:
            NotFoundError: There is no such job.
        """
        request = models.GetJobRequest()
        response = self._call(f"GetJob {job_id}", "get_job", job_id, request)
        return _job(response.body)

    def stop_job(self, job_id: str) -> None:
        """Ask a job to stop; it goes through ``Stopping``.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It has finished.
        """
        self._call(f"StopJob {job_id}", "stop_job", job_id)

    def delete_job(self, job_id: str) -> None:
        """Delete the record of a finished job; a record that does not exist is success.

        Raises:
            ConflictError: It has not finished.
        """
        with contextlib.suppress(NotFoundError):
            self._call(f"DeleteJob {job_id}", "delete_job", job_id)

    def log_lines(self, job: Job, *, max_lines: int = 50) -> list[str]:
        """Return the last log lines of the job's first pod, its master if it has one.

        A pod that never started has no log: the answer is empty.

        Args:
            job: As ``get_job`` gives it, for its pods.
            max_lines: Lines at most.

        Raises:
            ClientError: The log could not be read. A log that does not exist is not an error.
        """
        pods = sorted(job.pods, key=lambda pod: pod.type not in ("Master", "Chief", "Head"))
        if not pods:
            return []
        pod = pods[0]
        request = models.GetPodLogsRequest(max_lines=max_lines, pod_uid=pod.pod_uid or None)
        try:
            response = self._call(
                f"GetPodLogs {pod.pod_id}", "get_pod_logs", job.job_id, pod.pod_id, request
            )
        except NotFoundError:
            return []
        lines = [line for text in response.body.logs or [] for line in str(text).splitlines()]
        return lines[-max_lines:]

    def _call(self, operation: str, method: str, *arguments: Any) -> Any:
        function = getattr(self._client, method)
        return self._retries.call(lambda: openapi.call(operation, lambda: function(*arguments)))


def _job(item: Any) -> Job:
    return Job(
        job_id=str(item.job_id),
        display_name=str(item.display_name or ""),
        status=str(item.status or ""),
        reason_code=str(item.reason_code or ""),
        reason_message=str(item.reason_message or ""),
        duration_seconds=int(item.duration or 0),
        restart_times=int(item.restart_times or 0),
        created_at=str(item.gmt_create_time or ""),
        pods=tuple(
            Pod(
                pod_id=str(pod.pod_id),
                pod_uid=str(pod.pod_uid or ""),
                type=str(pod.type or ""),
                status=str(pod.status or ""),
            )
            for pod in item.pods or []
        ),
    )
