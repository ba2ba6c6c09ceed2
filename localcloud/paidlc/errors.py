"""Errors of PAI DLC, and the failure of a job.

The codes and reason codes are assumed, because the public pages of PAI-DLC 2020-12-03 do not list
any (checked 2026-11). Clients that look at the HTTP status or at words such as ``NotFound``
classify them correctly.
"""

from __future__ import annotations

from localcloud.core.errors import CloudError, LocalCloudError


class JobFailureError(LocalCloudError):
    """The reason why a job ends as ``Failed``.

    Attributes:
        reason_code: The ``ReasonCode`` in the reply of GetJob.
        reason_message: What is wrong and what to change, for people.
    """

    def __init__(self, reason_code: str, reason_message: str) -> None:
        super().__init__(f"{reason_code}: {reason_message}")
        self.reason_code = reason_code
        self.reason_message = reason_message


def missing_parameter(name: str) -> CloudError:
    """Return the error for a missing required parameter."""
    return CloudError("MissingParameter", f"Parameter {name} is required and was not given.", 400)


def invalid_parameter(name: str, value: object, allowed: str) -> CloudError:
    """Return the error for a value that the cloud refuses."""
    return CloudError(
        "InvalidParameter", f"Parameter {name} is {value!r}; it must be {allowed}.", 400
    )


def unsupported_parameter(name: str, why: str) -> CloudError:
    """Return the error for a parameter that only the cloud supports."""
    return CloudError(
        "UnsupportedParameter", f"The local cloud does not support {name}: {why}.", 400
    )


def job_not_found(job_id: str) -> CloudError:
    """Return the error for a job that does not exist."""
    return CloudError("JobNotFound", f"Job {job_id} does not exist.", 404)


def pod_not_found(job_id: str, pod_id: str) -> CloudError:
    """Return the error for a pod that does not exist."""
    return CloudError("PodNotFound", f"Job {job_id} has no pod {pod_id}.", 404)


def wrong_status(job_id: str, status: str, operation: str, allowed: str) -> CloudError:
    """Return the error for an operation that the status of a job does not allow."""
    return CloudError(
        "InvalidJobStatus",
        f"{operation} is not possible because job {job_id} is {status}; it must be {allowed}.",
        409,
    )
