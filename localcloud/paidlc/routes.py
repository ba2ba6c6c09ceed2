"""The HTTP API of PAI-DLC 2020-12-03 (ROA, JSON), for ``alibabacloud_pai_dlc20201203``.

Owns routes, permissions and the format of replies. It does not own the work:
``localcloud.paidlc.controller`` does.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from localcloud.core.errors import CloudError
from localcloud.core.instance_types import INSTANCE_TYPES, InstanceType
from localcloud.core.resources import Context
from localcloud.faults import Faults
from localcloud.paidlc.controller import JobController
from localcloud.paidlc.errors import invalid_parameter, unsupported_parameter
from localcloud.paidlc.files import log_path, read_lines
from localcloud.paidlc.jobs import Document, describe, list_jobs, pod_of
from localcloud.paidlc.requests import parse_create_job
from localcloud.paidlc.workers import controller_of

Answer = dict[str, Any]
Operation = Callable[[Request, Any], Answer]

_LIST_FILTERS = frozenset(
    {
        *("DisplayName", "WorkspaceId", "StartTime", "SortBy", "Order", "PageNumber", "PageSize"),
    }
)
_MAX_LINES = 2000


class DlcApi:
    """The operations of one local stack's PAI DLC."""

    def __init__(self, context: Context, controller: JobController) -> None:
        self._context = context
        self._controller = controller
        self._jobs = controller.jobs

    def create_job(self, request: Request, body: Any) -> Answer:
        """Answer CreateJob. As on the cloud, two jobs may have the same DisplayName."""
        if not isinstance(body, dict):
            raise invalid_parameter("(body)", type(body).__name__, "a JSON object")
        parsed = parse_create_job(body, self._context.platform)
        return {"JobId": self._controller.create(parsed, request.state.principal.arn)}

    def get_job(self, request: Request, _: Any) -> Answer:
        """Answer GetJob."""
        return describe(self._job(request), self._context.platform)

    def list_jobs(self, request: Request, _: Any) -> Answer:
        """Answer ListJobs."""
        query = dict(request.query_params)
        for name in sorted(query.keys() - _LIST_FILTERS):
            raise unsupported_parameter(name, f"use only {', '.join(sorted(_LIST_FILTERS))}")
        found, total = list_jobs(self._jobs.all(), query)
        platform = self._context.platform
        return {"Jobs": [describe(job, platform) for job in found], "TotalCount": total}

    def stop_job(self, request: Request, _: Any) -> Answer:
        """Answer StopJob."""
        job_id = request.path_params["job_id"]
        self._controller.stop(job_id)
        return {"JobId": job_id}

    def delete_job(self, request: Request, _: Any) -> Answer:
        """Answer DeleteJob."""
        job_id = request.path_params["job_id"]
        self._controller.delete(job_id)
        return {"JobId": job_id}

    def get_pod_logs(self, request: Request, _: Any) -> Answer:
        """Answer GetPodLogs for the last attempt of a pod, or the attempt that PodUid names."""
        job = self._job(request)
        attempt = self._attempt(request, job)
        count = _count(request, "MaxLines", _MAX_LINES)
        logs = []
        if attempt:
            logs = read_lines(log_path(self._context, job["job_id"], attempt["pod_uid"]), count)
        return {
            "JobId": job["job_id"],
            "PodId": request.path_params["pod_id"],
            "PodUid": attempt.get("pod_uid", ""),
            "Logs": logs,
        }

    def get_job_events(self, request: Request, _: Any) -> Answer:
        """Answer GetJobEvents."""
        job = self._job(request)
        count = _count(request, "MaxEventsNum", _MAX_LINES)
        return {"JobId": job["job_id"], "Events": job["events"][-count:]}

    def list_ecs_specs(self, request: Request, _: Any) -> Answer:
        """Answer ListEcsSpecs."""
        query = request.query_params
        wanted = query.get("InstanceTypes", "")
        accelerator = query.get("AcceleratorType", "")
        faults = Faults(self._context.store)
        found = [
            _spec(spec, available=not faults.hits("ecs-spec-unavailable", ecs_spec=spec.name))
            for spec in INSTANCE_TYPES.values()
            if (not wanted or spec.name in wanted.split(","))
            and accelerator in ("", "GPU" if spec.gpu else "CPU")
        ]
        size = _count(request, "PageSize", 100)
        first = (_count(request, "PageNumber", 1) - 1) * size
        return {"EcsSpecs": found[first : first + size], "TotalCount": len(found)}

    def _job(self, request: Request) -> Document:
        return self._jobs.get(request.path_params["job_id"])

    def _attempt(self, request: Request, job: Document) -> Document:
        pod = pod_of(job, request.path_params["pod_id"])
        uid = request.query_params.get("PodUid")
        found = [entry for entry in pod["attempts"] if uid in (None, "", entry["pod_uid"])]
        return dict(found[-1]) if found else {}


def _spec(spec: InstanceType, *, available: bool) -> Answer:
    return {
        "InstanceType": spec.name,
        "AcceleratorType": "GPU" if spec.gpu else "CPU",
        "Cpu": spec.cpu,
        "Memory": spec.memory_gib,
        "Gpu": spec.gpu,
        "GpuType": spec.gpu_type,
        "GpuMemory": spec.gpu_memory_gib,
        "IsAvailable": available,
        "ResourceType": "ECS",
        "PaymentTypes": ["PostPaid", "Spot"],
        "SpotStockStatus": "WithStock" if available else "NoStock",
    }


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise invalid_parameter(name, text, "a whole number of 1 or more")
    return int(text)


def routes(context: Context) -> list[BaseRoute]:
    """Return the PAI DLC routes of the ``api`` endpoint."""
    api = DlcApi(context, controller_of(context))
    job = "/api/v1/jobs/{job_id}"
    table: tuple[tuple[str, str, str, Operation], ...] = (
        ("POST", "/api/v1/jobs", "CreateJob", api.create_job),
        ("GET", "/api/v1/jobs", "ListJobs", api.list_jobs),
        ("GET", job, "GetJob", api.get_job),
        ("DELETE", job, "DeleteJob", api.delete_job),
        ("POST", f"{job}/stop", "StopJob", api.stop_job),
        ("GET", f"{job}/events", "GetJobEvents", api.get_job_events),
        ("GET", f"{job}/pods/{{pod_id}}/logs", "GetPodLogs", api.get_pod_logs),
        ("GET", "/api/v1/ecsspecs", "ListEcsSpecs", api.list_ecs_specs),
    )
    return [
        Route(path, _endpoint(context, name, operation), methods=[method], name=f"paidlc.{name}")
        for method, path, name, operation in table
    ]


def _endpoint(
    context: Context, name: str, operation: Operation
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            parsed = json.loads(body) if body else None
        except ValueError as error:
            raise CloudError("InvalidParameter", f"The body is not valid JSON: {error}.") from error

        def work() -> Answer:
            resource = f"acs:paidlc:*:*:job/{request.path_params.get('job_id', '*')}"
            context.access.require(request.state.principal, f"paidlc:{name}", resource)
            return operation(request, parsed)

        return JSONResponse(
            {**await run_in_threadpool(work), "RequestId": request.state.request_id}
        )

    return endpoint
