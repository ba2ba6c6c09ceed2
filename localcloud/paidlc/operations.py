"""The operations of PAI-DLC 2020-12-03 that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation


def _operation(name: str, api: str, notes: str = "") -> Operation:
    return Operation(service="paidlc", name=name, api=api, notes=notes)


OPERATIONS: tuple[Operation, ...] = (
    _operation(
        "CreateJob",
        "POST /api/v1/jobs",
        "PyTorchJob and ElasticBatchJob; pods are processes of this machine for any Image; data "
        "sources are OSS folders by Uri, copied instead of mounted; one job at a time",
    ),
    _operation("GetJob", "GET /api/v1/jobs/{JobId}"),
    _operation(
        "ListJobs",
        "GET /api/v1/jobs",
        "filters: DisplayName, WorkspaceId, StartTime; sorted by GmtCreateTime",
    ),
    _operation("StopJob", "POST /api/v1/jobs/{JobId}/stop"),
    _operation("DeleteJob", "DELETE /api/v1/jobs/{JobId}", "only an ended job"),
    _operation(
        "GetPodLogs", "GET /api/v1/jobs/{JobId}/pods/{PodId}/logs", "no StartTime and EndTime"
    ),
    _operation("GetJobEvents", "GET /api/v1/jobs/{JobId}/events"),
    _operation(
        "ListEcsSpecs",
        "GET /api/v1/ecsspecs",
        "a small table; everything is in stock unless a fault is active",
    ),
)
