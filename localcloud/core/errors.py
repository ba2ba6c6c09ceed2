"""Errors of the local cloud.

Owns the exception that every service raises to its caller, and its wire format. It does not own the
XML error format of OSS.

Hierarchy::

    LocalCloudError                 base class of every error here
    +-- HomeError                   the stack's home is missing, malformed or in use
    +-- SupervisorError             a supervised process did not start or did not answer in time
    +-- CloudError                  an error reply of the cloud: code, message, HTTP status

Error codes are the cloud's own (https://api.aliyun.com/troubleshoot, read 2026-11).
"""

from __future__ import annotations


class LocalCloudError(Exception):
    """Base class of the local cloud's errors."""


class HomeError(LocalCloudError):
    """The stack's home is missing, malformed or in use."""


class SupervisorError(LocalCloudError):
    """A supervised process did not start or did not answer in time."""


class CloudError(LocalCloudError):
    """An error reply of the cloud.

    Attributes:
        code: The cloud's error code, such as ``DependencyViolation``.
        message: What is wrong, the value given and what is allowed.
        http_status: The HTTP status the cloud sends with it.
    """

    def __init__(self, code: str, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status

    def envelope(self, request_id: str, host_id: str) -> dict[str, str]:
        """Return the body of the error reply, in the format of ROA and RPC services."""
        return {
            "Code": self.code,
            "Message": self.message,
            "RequestId": request_id,
            "HostId": host_id,
        }


def not_supported(what: str, supported: str) -> CloudError:
    """Return an error for something that only the local cloud refuses.

    Args:
        what: The thing that the caller asked for, with its value.
        supported: What the local cloud supports instead.
    """
    return CloudError(
        "LocalCloud.NotSupported", f"{what} is not supported by the local cloud; {supported}", 501
    )
