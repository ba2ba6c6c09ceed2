"""OpenSearch clients: TLS by the cluster's own authority, and error conversion.

Owns construction and error conversion; callers use the ``opensearch-py`` 3.2 API itself. Nothing is
retried here, because some operations, such as registering a model, may not happen twice: callers
retry the others (``retries``).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from opensearchpy.exceptions import SSLError, TransportError

from .errors import ClientError, ConnectionFailedError, InvalidRequestError, classify

__all__ = ["TransportError", "client", "convert_error"]

REQUEST_TIMEOUT_SECONDS: Final = 60.0


def client(
    endpoint: str, username: str, password: str, ca_certificate: str | None = None, **overrides: Any
) -> OpenSearch:
    """Return a client for synchronous code.

    Args:
        endpoint: ``http[s]://host:port``.
        username: e.g. ``deployer``.
        password: Its password.
        ca_certificate: PEM text of the authority that signed the cluster's certificate. Default:
            the authorities that this machine trusts.
        overrides: Further keyword arguments of ``opensearchpy.OpenSearch``.

    Raises:
        ssl.SSLError: ``ca_certificate`` is not a certificate.
    """
    options: dict[str, Any] = {
        "http_auth": (username, password),
        "timeout": REQUEST_TIMEOUT_SECONDS,
        "max_retries": 0,
        # Bulk bodies of text and float vectors shrink to about a half.
        "http_compress": True,
    }
    if endpoint.startswith("https:"):
        options["ssl_context"] = ssl.create_default_context(cadata=ca_certificate or None)
    return OpenSearch(hosts=[endpoint], **{**options, **overrides})


def convert_error(operation: str, error: TransportError) -> ClientError:
    """Return the ``ClientError`` for an exception of the OpenSearch client."""
    if isinstance(error, SSLError):
        return InvalidRequestError(
            f"the cluster's certificate was not accepted: {error.error}. Set ca_certificate to the "
            "PEM text of the authority that signed it",
            operation=operation,
        )
    if isinstance(error, NoConnectionError) or not isinstance(error.status_code, int):
        return ConnectionFailedError(
            f"cannot reach the cluster: {error.error}", operation=operation
        )
    body = error.info if isinstance(error.info, Mapping) else {}
    cause = body.get("error")
    details = cause if isinstance(cause, Mapping) else {}
    code = str(details.get("type") or "")
    message = str(details.get("reason") or cause or error.error)
    kind = classify(error.status_code, code)
    return kind(message, operation=operation, code=code, http_status=error.status_code)
