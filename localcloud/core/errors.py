"""The local cloud's errors.

Owns the exception every service raises towards a caller and its wire form. It does not own the
XML envelope of OSS, which is OSS's own.

Hierarchy::

    LocalCloudError                 anything the local cloud reports
    +-- HomeError                   the stack's home is missing, malformed or in use
    +-- SupervisorError             a supervised process could not be started or did not answer
    +-- CloudError                  what the cloud itself would answer: code, message, HTTP status

Error codes are the cloud's own (https://api.aliyun.com/troubleshoot, read 2026-11).
"""

from __future__ import annotations


class LocalCloudError(Exception):
    """Anything the local cloud reports."""


class HomeError(LocalCloudError):
    """The stack's home is missing, malformed or in use."""


class SupervisorError(LocalCloudError):
    """A supervised process could not be started or did not answer in time."""


class CloudError(LocalCloudError):
    """What the cloud would answer.

    Attributes:
        code: The cloud's error code, such as ``DependencyViolation``.
        message: What is wrong, the value given, what is allowed.
        http_status: The HTTP status the cloud sends with it.
    """

    def __init__(self, code: str, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status

    def envelope(self, request_id: str, host_id: str) -> dict[str, str]:
        """The body of a control-plane error, as ROA and RPC services send it."""
        return {
            "Code": self.code,
            "Message": self.message,
            "RequestId": request_id,
            "HostId": host_id,
        }


def not_supported(what: str, supported: str) -> CloudError:
    """A refusal that is the local cloud's own, never the cloud's.

    Args:
        what: What was asked for, with its value.
        supported: What is supported in its place.
    """
    return CloudError(
        "LocalCloud.NotSupported", f"{what} is not supported by the local cloud; {supported}", 501
    )
