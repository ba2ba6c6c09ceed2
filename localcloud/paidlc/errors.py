"""Errors of PAI DLC, and why a job may fail.

Codes and reason codes are assumed: the public pages of PAI-DLC 2020-12-03 list none (looked for
2026-11). They are named so that clients which go by HTTP status or by words such as ``NotFound``
classify them rightly.
"""

from __future__ import annotations

from localcloud.core.errors import CloudError, LocalCloudError


class JobFailureError(LocalCloudError):
    """Ends a job as ``Failed``.

    Attributes:
        reason_code: What GetJob tells as ``ReasonCode``.
        reason_message: For people: what is wrong and what to change.
    """

    def __init__(self, reason_code: str, reason_message: str) -> None:
        super().__init__(f"{reason_code}: {reason_message}")
        self.reason_code = reason_code
        self.reason_message = reason_message


def missing_parameter(name: str) -> CloudError:
    """Return a required parameter is not there."""
    return CloudError("MissingParameter", f"Parameter {name} is required and was not given.", 400)


def invalid_parameter(name: str, value: object, allowed: str) -> CloudError:
    """Return a parameter has a value that the cloud refuses."""
    return CloudError(
        "InvalidParameter", f"Parameter {name} is {value!r}; it must be {allowed}.", 400
    )


def unsupported_parameter(name: str, why: str) -> CloudError:
    """Return the cloud has it; the local cloud does not, and says so rather than ignore it."""
    return CloudError(
        "UnsupportedParameter", f"The local cloud does not support {name}: {why}.", 400
    )


def job_not_found(job_id: str) -> CloudError:
    """No such job."""
    return CloudError("JobNotFound", f"Job {job_id} does not exist.", 404)


def pod_not_found(job_id: str, pod_id: str) -> CloudError:
    """No such pod."""
    return CloudError("PodNotFound", f"Job {job_id} has no pod {pod_id}.", 404)


def wrong_status(job_id: str, status: str, operation: str, allowed: str) -> CloudError:
    """Return the job's status does not allow the operation."""
    return CloudError(
        "InvalidJobStatus",
        f"{operation} was asked of job {job_id}, which is {status}; it must be {allowed}.",
        409,
    )
