"""Errors of the vendor-SDK clients: one hierarchy for OSS, DLC, KMS and search clusters.

    ClientError
    ├── NotFoundError            the thing named does not exist
    ├── AccessDeniedError        the credentials are wrong, expired, or lack the permission
    ├── ConflictError            it exists already, or its state does not allow the operation
    ├── InvalidRequestError      the service refused the request as malformed
    ├── ContentMismatchError     bytes read or about to be written are not the ones expected
    └── TransientError           worth another attempt
        ├── ThrottledError
        ├── ServiceUnavailableError
        └── ConnectionFailedError    no reply: the operation may or may not have happened

Owns the hierarchy and the rule that sorts a cloud's status and code into it. It does not own
retries (``retries``) nor the conversion of one SDK's exceptions (each client module).
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "AccessDeniedError",
    "ClientError",
    "ConflictError",
    "ConnectionFailedError",
    "ContentMismatchError",
    "InvalidRequestError",
    "NotFoundError",
    "ServiceUnavailableError",
    "ThrottledError",
    "TransientError",
    "classify",
    "unanswered",
]


class ClientError(Exception):
    """Base of every error a client raises.

    Attributes:
        operation: The attempted operation, such as ``PutObject oss://bucket/key``.
        code: The service's own error code; empty if it gave none.
        request_id: The service's request id, for its support; empty if it gave none.
        http_status: HTTP status of the reply; ``None`` without a reply.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        code: str = "",
        request_id: str = "",
        http_status: int | None = None,
    ) -> None:
        self.operation = operation
        self.code = code
        self.request_id = request_id
        self.http_status = http_status
        self.message = message
        super().__init__(self._text())

    def _text(self) -> str:
        notes = []
        if self.code:
            notes.append(f"code {self.code}")
        if self.http_status is not None:
            notes.append(f"HTTP {self.http_status}")
        if self.request_id:
            notes.append(f"request id {self.request_id}")
        text = f"{self.operation}: {self.message}" if self.operation else self.message
        return f"{text} ({', '.join(notes)})" if notes else text


class NotFoundError(ClientError):
    """The bucket, object, job, index or secret does not exist."""


class AccessDeniedError(ClientError):
    """The credentials are wrong, expired, or lack the permission."""


class ConflictError(ClientError):
    """The thing exists already, or its state does not allow the operation."""


class InvalidRequestError(ClientError):
    """The service refused the request as malformed or not allowed."""


class ContentMismatchError(ClientError):
    """Bytes read, or about to be written, are not the ones expected."""


class TransientError(ClientError):
    """The operation failed for a reason that may pass."""


class ThrottledError(TransientError):
    """Too many requests."""


class ServiceUnavailableError(TransientError):
    """The service failed on its side (HTTP 5xx)."""


class ConnectionFailedError(TransientError):
    """No reply came: the operation may or may not have been carried out."""


def unanswered(message: str, *, operation: str) -> ConnectionFailedError:
    """Return an SDK's message without the credentials that it quotes.

    ``requests`` repeats a header that it cannot send, such as a token with a line break in it.

    Args:
        message: The SDK's message.
        operation: The attempted operation.
    """
    if "in header value" in message:
        message = "a key or token cannot be sent: it has a line break or spaces in it"
    return ConnectionFailedError(message, operation=operation)


_BY_STATUS: Final[dict[int, type[ClientError]]] = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    429: ThrottledError,
}

_BY_CODE_FRAGMENT: Final[tuple[tuple[str, type[ClientError]], ...]] = (
    ("throttling", ThrottledError),
    ("toomanyrequests", ThrottledError),
    ("qpslimitexceeded", ThrottledError),
    ("notfound", NotFoundError),
    ("notexist", NotFoundError),
    ("nosuch", NotFoundError),
    ("nopermission", AccessDeniedError),
    ("forbidden", AccessDeniedError),
    ("unauthorized", AccessDeniedError),
    ("accessdenied", AccessDeniedError),
    ("invalidaccesskeyid", AccessDeniedError),
    ("invalidsecuritytoken", AccessDeniedError),
    ("signaturedoesnotmatch", AccessDeniedError),
    ("alreadyexist", ConflictError),
)


def classify(http_status: int | None, code: str) -> type[ClientError]:
    """Return the error class for a reply.

    The code is looked at before the status, because several services answer "not found" and
    "throttled" with HTTP 400.

    Args:
        http_status: HTTP status of the reply; ``None`` or negative without a reply.
        code: The service's error code.
    """
    flat = code.replace(".", "").replace("_", "").lower()
    for fragment, kind in _BY_CODE_FRAGMENT:
        if fragment in flat:
            return kind
    if http_status is None or http_status < 100:
        return ConnectionFailedError
    if http_status in _BY_STATUS:
        return _BY_STATUS[http_status]
    if http_status >= 500:
        return ServiceUnavailableError
    return InvalidRequestError
