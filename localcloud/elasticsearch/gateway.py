"""The HTTP front of a local Elasticsearch instance.

Owns: the address that clients use. The gateway streams every request and response, answers the root
route (``GET /`` and ``HEAD /``), which every client requests and this engine build does not have,
and answers 503 with a reason while the engine starts or restarts.

Does not own: the engine (``engine.py``) and its life (``localcloud.core.supervisor``). It stores no
user's password, because the engine authenticates callers, for the root route, too.

Source: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/rest-api-root.html (read
2026-11) for the root route's body.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from localcloud.elasticsearch.distribution import RELEASES

__all__ = ["Gateway", "GatewaySettings", "main", "serve"]

_LOGGER: Final = logging.getLogger(__name__)
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_WHOLE_BODY_BYTES: Final = 256 * 1024
_PROBE_INTERVAL_SECONDS: Final = 0.2
_PROBE_TIMEOUT_SECONDS: Final = 5.0
# A cluster that is still red after this many probes of 1 s has lost an index permanently. Its other
# indices are made available.
_RED_PROBES: Final = 30
_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_HEALTH_PATH: Final = "/_local/health"
_ENGINE_HEALTH_PATH: Final = "/_local/health/engine"
_PRODUCT_HEADER: Final = {"X-elastic-product": "Elasticsearch"}


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """The addresses of a gateway and of its engine.

    Attributes:
        host: Loopback address to listen on.
        port: Port to listen on.
        engine_url: ``http://host:port`` of the engine.
        operator: File with ``{"username", "password"}`` of the engine's operator, which may ask
            for the cluster's health. If None, the engine is available when it answers.
    """

    host: str
    port: int
    engine_url: str
    operator: Path | None = None


class Gateway:
    """A streaming reverse proxy for one engine."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._engine = URL(settings.engine_url)
        self._session: aiohttp.ClientSession | None = None
        self._available = asyncio.Event()
        self._unavailable = asyncio.Event()
        self._unavailable.set()
        self._reason = "it has not answered yet"
        self._not_yellow = 0

    @property
    def available(self) -> bool:
        """Whether the engine answered the last request."""
        return self._available.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set.

        Raises:
            OSError: The address is in use.
        """
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60, enable_cleanup_closed=False)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, trust_env=False
        ) as session:
            self._session = session
            # A compressed body is forwarded unchanged, with its Content-Encoding header.
            server = web.Server(
                self.handle, handler_cancellation=True, access_log=None, auto_decompress=False
            )
            runner = web.ServerRunner(server)
            await runner.setup()
            site = web.TCPSite(runner, self._settings.host, self._settings.port)
            await site.start()
            watcher = asyncio.create_task(self._watch())
            try:
                await stop.wait()
            finally:
                watcher.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watcher
                await runner.cleanup()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, or forward it to the engine."""
        path = request.rel_url.raw_path
        if path == _HEALTH_PATH:
            return web.json_response({"status": "running", "engine_available": self.available})
        if path == _ENGINE_HEALTH_PATH:
            return web.json_response(
                {"engine_available": self.available}, status=200 if self.available else 503
            )
        if not self.available:
            return self._unavailable_response()
        try:
            if path == "/" and request.method in ("GET", "HEAD"):
                return await self._root(request)
            return await self._forward(request)
        except aiohttp.ClientConnectorError as error:
            self._lost(str(error))
            return self._unavailable_response()
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            self._lost(str(error) or type(error).__name__)
            return _error_response(
                HTTPStatus.BAD_GATEWAY,
                "engine_connection_exception",
                "the Elasticsearch engine closed the connection before it answered; it may have "
                "carried out the request",
            )

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async with self._client.request(
            request.method,
            self._engine.join(request.rel_url),
            headers=_end_to_end(request.headers),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        ) as answer:
            headers = _end_to_end(answer.headers)
            length = answer.content_length
            if request.method == "HEAD" or (length is not None and length <= _WHOLE_BODY_BYTES):
                body = await answer.read()
                if request.method != "HEAD":
                    headers.popall("Content-Length", None)
                return web.Response(
                    status=answer.status, reason=answer.reason, headers=headers, body=body
                )
            return await _stream(request, answer, headers)

    async def _root(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer the root route with the caller's own rights.

        The engine checks the caller's credentials before the method, so every status except 405
        is the engine's own answer.
        """
        headers = _end_to_end(request.headers)
        headers["Accept-Encoding"] = "identity"
        async with self._client.get(self._engine, headers=headers) as answer:
            if answer.status != HTTPStatus.METHOD_NOT_ALLOWED:
                return web.Response(
                    status=answer.status,
                    reason=answer.reason,
                    headers=_without_length(_end_to_end(answer.headers)),
                    body=await answer.read(),
                )
        nodes, refused = await self._ask("/_nodes/_local", headers)
        if refused is not None:
            return refused
        state, refused = await self._ask("/_cluster/state/version", headers)
        if refused is not None:
            return refused
        body = _root_body(nodes, state)
        compatible = "compatible-with=8" in request.headers.get("Accept", "")
        content_type = (
            "application/vnd.elasticsearch+json;compatible-with=8"
            if compatible
            else "application/json"
        )
        return web.Response(
            body=json.dumps(body, indent=2).encode() + b"\n",
            headers={**_PRODUCT_HEADER, "Content-Type": content_type},
        )

    async def _ask(
        self, path: str, headers: CIMultiDict[str]
    ) -> tuple[dict[str, Any], web.Response | None]:
        async with self._client.get(self._engine.join(URL(path)), headers=headers) as answer:
            body = await answer.read()
            if answer.status != HTTPStatus.OK:
                response_headers = _without_length(_end_to_end(answer.headers))
                return {}, web.Response(status=answer.status, headers=response_headers, body=body)
        document: dict[str, Any] = json.loads(body)
        return document, None

    async def _watch(self) -> None:
        """Probe the engine while it is unavailable."""
        while True:
            await self._unavailable.wait()
            if await self._probe():
                _LOGGER.info("engine %s available", self._engine)
                self._unavailable.clear()
                self._available.set()
            else:
                await asyncio.sleep(_PROBE_INTERVAL_SECONDS)

    async def _probe(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=_PROBE_TIMEOUT_SECONDS)
        try:
            if self._settings.operator is None:
                async with self._client.get(self._engine, timeout=timeout) as answer:
                    return answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
            account = json.loads(self._settings.operator.read_text("utf-8"))
            login = aiohttp.encode_basic_auth(account["username"], account["password"])
            # Searches must wait until the shards of every index are open.
            health = self._engine.join(URL("/_cluster/health?wait_for_status=yellow&timeout=1s"))
            headers = {"Authorization": login}
            async with self._client.get(health, headers=headers, timeout=timeout) as answer:
                self._reason = f"its health check answers {answer.status}"
                self._not_yellow += answer.status == HTTPStatus.REQUEST_TIMEOUT
                return answer.status == HTTPStatus.OK or self._not_yellow > _RED_PROBES
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._reason = str(error) or type(error).__name__
            return False

    def _lost(self, reason: str) -> None:
        if self.available:
            _LOGGER.warning("engine %s lost: %s", self._engine, reason)
        self._reason = reason
        self._not_yellow = 0
        self._available.clear()
        self._unavailable.set()

    def _unavailable_response(self) -> web.Response:
        return _error_response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "engine_unavailable_exception",
            "the Elasticsearch engine of this instance is starting or restarting "
            f"({self._reason}); retry in a second",
        )

    @property
    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the gateway is not running; await Gateway.run first")
        return self._session


async def _stream(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except aiohttp.ClientPayloadError:
        # The status line is sent, so only a closed connection can report the error.
        if request.transport is not None:
            request.transport.abort()
        raise
    await response.write_eof()
    return response


def _end_to_end(headers: Any) -> CIMultiDict[str]:
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.lower() not in _HOP_BY_HOP:
            kept.add(name, value)
    return kept


def _without_length(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    headers.popall("Content-Length", None)
    return headers


def _root_body(nodes: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    node = next(iter(nodes["nodes"].values()))
    number = node["version"]
    version: dict[str, Any] = {
        "number": number,
        "build_flavor": node["build_flavor"],
        "build_type": node["build_type"],
        "build_hash": node["build_hash"],
        "build_snapshot": False,
    }
    release = RELEASES.get(number)
    if release is not None:
        version["build_date"] = release.build_date
        version["lucene_version"] = release.lucene_version
        version["minimum_wire_compatibility_version"] = release.minimum_wire_version
        version["minimum_index_compatibility_version"] = release.minimum_index_version
    return {
        "name": node["name"],
        "cluster_name": state["cluster_name"],
        "cluster_uuid": state["cluster_uuid"],
        "version": version,
        "tagline": "You Know, for Search",
    }


def _error_response(status: HTTPStatus, kind: str, reason: str) -> web.Response:
    cause = {"type": kind, "reason": reason}
    return web.json_response(
        {"error": {"root_cause": [cause], **cause}, "status": int(status)},
        status=status,
        headers={**_PRODUCT_HEADER, "Retry-After": "1"},
    )


async def serve(settings: GatewaySettings) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Gateway(settings).run(stop)


def main(arguments: list[str] | None = None) -> None:
    """Run ``python -m localcloud.elasticsearch.gateway --listen … --engine …``."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.elasticsearch.gateway")
    parser.add_argument("--listen", required=True, help="host:port of this gateway")
    parser.add_argument("--engine", required=True, help="URL of the engine")
    parser.add_argument("--operator", type=Path, help="file with the operator's credentials")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(
        serve(
            GatewaySettings(
                host=host,
                port=int(port),
                engine_url=options.engine,
                operator=options.operator,
            )
        )
    )


if __name__ == "__main__":
    main()
