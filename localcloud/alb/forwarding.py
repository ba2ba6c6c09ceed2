"""Forwards one request: adjusts headers, chooses a server, streams the answer back.

Owns the handling of a request. It does not own the servers and their health
(``localcloud.alb.pool``) or the routing (``localcloud.alb.routing``). Each request uses a new
connection to the server, as ALB does by default, so that no request is lost because the server
closes an idle connection.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from localcloud.alb.pool import Pool, Server
from localcloud.alb.routing import Redirect, allowed, route

_LOG: Final = logging.getLogger(__name__)
_HOP_BY_HOP: Final = frozenset(
    {
        *("connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_NOT_ADDED: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
# CreateListener: RequestTimeout is 1 to 180, 60 by default.
_REQUEST_TIMEOUT_SECONDS: Final = 60
_CONNECT_TIMEOUT_SECONDS: Final = 5.0


@dataclass(kw_only=True)
class ListenerState:
    """One listener as the proxy knows it; changes take effect with the next request."""

    listener_id: str
    record: Mapping[str, Any]
    rules: list[Mapping[str, Any]] = field(default_factory=list)
    acls: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def scheme(self) -> str:
        """The scheme of the listener: ``http`` or ``https``."""
        return str(self.record["listenerProtocol"]).lower()


class Forwarder:
    """Answers the requests of one load balancer.

    Args:
        pool: The servers.
        session: The HTTP client for the servers.
        access_log: The file to write one line per request to; None writes no log.
    """

    def __init__(
        self, pool: Pool, session: aiohttp.ClientSession, access_log: Path | None = None
    ) -> None:
        self._pool = pool
        self._session = session
        self.access_log = access_log

    async def handle(self, listener: ListenerState, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request to a listener."""
        started = time.time()
        peer = str(request.remote or "127.0.0.1")
        if not allowed(peer, listener.acls):
            # The cloud also drops the connection without an answer.
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError(f"{peer} is not on the access list")
        url = f"{listener.scheme}://{request.headers.get('Host', '')}{request.raw_path}"
        way = route(listener.record, listener.rules, url)
        response: web.StreamResponse
        if isinstance(way, Redirect):
            response = web.Response(status=way.status, headers={"Location": way.location})
            server = ""
        else:
            response, server = await self._forward(listener, request, way.server_groups, peer)
        self._note(request, response, server, started)
        return response

    async def _forward(
        self,
        listener: ListenerState,
        request: web.BaseRequest,
        groups: tuple[tuple[str, int], ...],
        peer: str,
    ) -> tuple[web.StreamResponse, str]:
        tried: set[str] = set()
        while True:
            server = self._pool.choose(groups, tried)
            if server is None:
                text = "no server could be reached" if tried else "no server is healthy"
                return _error(502 if tried else 503, text), ",".join(sorted(tried))
            with self._pool.busy(server.key):
                try:
                    return await self._pass_on(listener, request, server, peer), server.address
                except aiohttp.ClientConnectorError as error:
                    # Nothing was sent yet, so another server can get the complete request.
                    _LOG.warning("%s: %s", server.key, error)
                    tried.add(server.key)
                except TimeoutError:
                    return _error(504, "the server did not answer in time"), server.address
                except aiohttp.ClientError as error:
                    _LOG.warning("%s: %r", server.key, error)
                    return _error(502, "the server closed the connection"), server.address

    async def _pass_on(
        self, listener: ListenerState, request: web.BaseRequest, server: Server, peer: str
    ) -> web.StreamResponse:
        seconds = float(listener.record.get("requestTimeout") or _REQUEST_TIMEOUT_SECONDS)
        body = request.content if request.body_exists else None
        async with self._session.request(
            request.method,
            URL(f"http://{server.address}:{server.port}{request.raw_path}", encoded=True),
            headers=_request_headers(listener, request, peer),
            data=body,
            # Add no header that the client did not send: it may not accept gzip.
            skip_auto_headers=_NOT_ADDED,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=_CONNECT_TIMEOUT_SECONDS, sock_read=seconds
            ),
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            try:
                # Forward each chunk at once, because answers are streamed.
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            except (aiohttp.ClientError, TimeoutError) as error:
                # A partial answer must not look complete.
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError(f"{server.key} aborted its answer") from error
            await response.write_eof()
            return response

    def _note(
        self, request: web.BaseRequest, response: web.StreamResponse, server: str, started: float
    ) -> None:
        if self.access_log is None:
            return
        line = {
            "time": round(started, 3),
            "client_ip": request.remote,
            "request_method": request.method,
            "request_uri": request.raw_path,
            "host": request.headers.get("Host", ""),
            "status": response.status,
            "upstream_addr": server,
            "request_time": round(time.time() - started, 3),
            "body_bytes_sent": response.body_length if response.prepared else 0,
        }
        with self.access_log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _request_headers(
    listener: ListenerState, request: web.BaseRequest, peer: str
) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP
    )
    forwarded = headers.popall("X-Forwarded-For", [])
    headers["X-Forwarded-For"] = ", ".join([*forwarded, peer])
    headers["X-Forwarded-Proto"] = listener.scheme
    return headers


def _error(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{status} {text}\n")
