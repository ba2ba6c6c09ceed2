"""OpenSearch clients: TLS by the cluster's own authority, and error conversion.

Owns construction, the renewal of a password, and error conversion; callers use the
``opensearch-py`` 3.2 API itself. Nothing is
retried here, because some operations, such as registering a model, may not happen twice: callers
retry the others (``retries``).
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, cast

from opensearchpy import AsyncOpenSearch, AsyncTransport, OpenSearch, Urllib3HttpConnection
from opensearchpy.exceptions import AuthenticationException, SSLError, TransportError
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from urllib3 import HTTPSConnectionPool

from .errors import ClientError, ConnectionFailedError, InvalidRequestError, classify
from .shortages import with_remedy

__all__ = [
    "AuthenticationException",
    "NoConnectionError",
    "TransportError",
    "async_client",
    "client",
    "convert_error",
]

REQUEST_TIMEOUT_SECONDS: Final = 60.0
# As for Elasticsearch: more requests wait in the client.
CONNECTIONS: Final = 64


def _options(endpoint: str, ca_certificate: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "hosts": [endpoint],
        "timeout": REQUEST_TIMEOUT_SECONDS,
        "max_retries": 0,
        # Bulk bodies of text and float vectors shrink to about a half.
        "http_compress": True,
    }
    if endpoint.startswith("https:"):
        context = ssl.create_default_context(cadata=ca_certificate or None)
        # An authority of the cluster's own signs for its nodes only, whatever their addresses are.
        if ca_certificate:
            context.check_hostname = False
        options["ssl_context"] = context
    return options


class _AnyNameConnection(Urllib3HttpConnection):
    """Does not compare the name in the certificate; urllib3 does, whatever the context says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.use_ssl:
            cast(HTTPSConnectionPool, self.pool).assert_hostname = False


def client(
    endpoint: str, username: str, password: str, ca_certificate: str | None = None, **overrides: Any
) -> OpenSearch:
    """Return a client for synchronous code.

    Args:
        endpoint: ``http[s]://host:port``.
        username: e.g. ``deployer``.
        password: Its password.
        ca_certificate: PEM text of the authority that signed the cluster's certificate. Default:
            the authorities that this machine trusts. With one, the name in the cluster's
            certificate need not be that of ``endpoint``.
        overrides: Further keyword arguments of ``opensearchpy.OpenSearch``.

    Raises:
        ssl.SSLError: ``ca_certificate`` is not a certificate.
    """
    options = {"http_auth": (username, password), **_options(endpoint, ca_certificate)}
    if ca_certificate:
        options["connection_class"] = _AnyNameConnection
    return OpenSearch(**{**options, **overrides})


class _RenewingTransport(AsyncTransport):
    """Sends the password, and the other one if it is refused and there is another."""

    username = ""
    password = ""
    renew: Callable[[str], Awaitable[str | None]] | None = None

    async def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        # The base class takes some of the parameters away.
        given = dict(params or {})
        shown = self.password
        try:
            return await super().perform_request(
                method, url, params, body, timeout, ignore, self._with(shown, headers)
            )
        except AuthenticationException:
            other = await self.renew(shown) if self.renew is not None else None
            if other is None:
                raise
        self.password = other
        return await super().perform_request(
            method, url, given, body, timeout, ignore, self._with(other, headers)
        )

    def _with(self, password: str, headers: Mapping[str, str] | None) -> dict[str, str]:
        pair = base64.b64encode(f"{self.username}:{password}".encode()).decode()
        return {**(headers or {}), "authorization": f"Basic {pair}"}


def async_client(
    endpoint: str,
    username: str,
    password: str,
    ca_certificate: str | None = None,
    *,
    renew: Callable[[str], Awaitable[str | None]] | None = None,
    **overrides: Any,
) -> AsyncOpenSearch:
    """Return a client for asyncio code; close it with ``await client.close()``.

    Args:
        endpoint: ``http[s]://host:port``.
        username: e.g. ``reader``.
        password: Its password.
        ca_certificate: As for ``client``.
        renew: Asked for another password when the cluster refused one, with the one that it
            refused; None where there is no other. A request that was refused is made once more.
        overrides: Further keyword arguments of ``opensearchpy.AsyncOpenSearch``.

    Raises:
        ssl.SSLError: ``ca_certificate`` is not a certificate.
    """
    options = {
        "transport_class": _RenewingTransport,
        "pool_maxsize": CONNECTIONS,
        **_options(endpoint, ca_certificate),
    }
    made = AsyncOpenSearch(**{**options, **overrides})
    transport = cast(_RenewingTransport, made.transport)
    transport.username, transport.password, transport.renew = username, password, renew
    return made


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
    return kind(with_remedy(message), operation=operation, code=code, http_status=error.status_code)
