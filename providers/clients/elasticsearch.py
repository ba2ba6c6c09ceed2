"""Elasticsearch clients with timeouts and retries that fit a cluster under ingest.

Owns construction, the renewal of a password, and error conversion; callers use the
``elasticsearch`` 8.19 API itself. The client must be 8.x: 9.x asks for a media type that 8.x
servers refuse.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from elastic_transport import AsyncTransport, TransportApiResponse, TransportError
from elastic_transport import ConnectionError as TransportConnectionError
from elasticsearch import ApiError, AsyncElasticsearch, Elasticsearch

from .errors import ClientError, ConnectionFailedError, classify
from .shortages import with_remedy

__all__ = ["async_client", "convert_error"]

REQUEST_TIMEOUT_SECONDS: Final = 60.0
MAX_RETRIES: Final = 5
RETRY_ON_STATUS: Final = (429, 502, 503, 504)
# More requests wait in the client, where the cluster does not see them. The application sends one
# for each of up to 32 questions.
CONNECTIONS: Final = 64


def _options(username: str, password: str, overrides: dict[str, Any]) -> dict[str, Any]:
    return {
        "basic_auth": (username, password),
        "request_timeout": REQUEST_TIMEOUT_SECONDS,
        "max_retries": MAX_RETRIES,
        "retry_on_status": RETRY_ON_STATUS,
        "retry_on_timeout": True,
        # Bulk bodies of text and float vectors shrink to about a half.
        "http_compress": True,
        **overrides,
    }


def client(endpoint: str, username: str, password: str, **overrides: Any) -> Elasticsearch:
    """Return a client for synchronous code.

    Args:
        endpoint: ``http[s]://host:port``.
        username: e.g. ``elastic``.
        password: Its password.
        overrides: Further keyword arguments of ``elasticsearch.Elasticsearch``.
    """
    return Elasticsearch(endpoint, **_options(username, password, overrides))


class _RenewingTransport(AsyncTransport):
    """Tries the other password when one is refused and there is another."""

    username = ""
    password = ""
    renew: Callable[[str], Awaitable[str | None]] | None = None

    async def perform_request(  # type: ignore[override]  # As AsyncTransport's own, of Transport's.
        self, method: str, target: str, *, headers: Mapping[str, Any], **more: Any
    ) -> TransportApiResponse:
        shown = self.password
        answer = await super().perform_request(
            method, target, headers=self._with(shown, headers), **more
        )
        if answer.meta.status != 401 or self.renew is None:
            return answer
        other = await self.renew(shown)
        if other is None:
            return answer
        self.password = other
        return await super().perform_request(
            method, target, headers=self._with(other, headers), **more
        )

    def _with(self, password: str, headers: Mapping[str, Any]) -> dict[str, Any]:
        pair = base64.b64encode(f"{self.username}:{password}".encode()).decode()
        others = {name: value for name, value in headers.items() if name != "authorization"}
        return {**others, "authorization": f"Basic {pair}"}


def async_client(
    endpoint: str,
    username: str,
    password: str,
    *,
    renew: Callable[[str], Awaitable[str | None]] | None = None,
    **overrides: Any,
) -> AsyncElasticsearch:
    """Return a client for asyncio code; close it with ``await client.close()``.

    Args:
        endpoint: ``http[s]://host:port``.
        username: e.g. ``elastic``.
        password: Its password.
        renew: Asked for another password when the cluster refused one, with the one that it
            refused; None where there is no other. A request that was refused is made once more.
        overrides: Further keyword arguments of ``elasticsearch.AsyncElasticsearch``.
    """
    overrides = {"connections_per_node": CONNECTIONS, **overrides}
    if renew is None:
        return AsyncElasticsearch(endpoint, **_options(username, password, overrides))
    options = {**_options(username, password, overrides), "transport_class": _RenewingTransport}
    made = AsyncElasticsearch(endpoint, **options)
    transport = cast(_RenewingTransport, made.transport)
    transport.username, transport.password, transport.renew = username, password, renew
    return made


def convert_error(operation: str, error: ApiError | TransportError) -> ClientError:
    """Return the ``ClientError`` for an exception of the Elasticsearch client."""
    if isinstance(error, ApiError):
        body = error.body if isinstance(error.body, dict) else {}
        cause = body.get("error")
        details = cause if isinstance(cause, dict) else {}
        code = str(details.get("type") or "")
        message = str(details.get("reason") or error.message)
        kind = classify(error.meta.status, code)
        return kind(
            with_remedy(message), operation=operation, code=code, http_status=error.meta.status
        )
    if isinstance(error, TransportConnectionError):
        return ConnectionFailedError(f"cannot reach the cluster: {error}", operation=operation)
    return ConnectionFailedError(str(error), operation=operation)
