"""The gateway in front of a small test server."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from localcloud.elasticsearch.gateway import Gateway, GatewaySettings

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
DEADLINE_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def gateway(engine_port: int) -> AsyncIterator[str]:
    port, stop = free_port(), asyncio.Event()
    settings = GatewaySettings(
        host="127.0.0.1", port=port, engine_url=f"http://127.0.0.1:{engine_port}"
    )
    task = asyncio.create_task(Gateway(settings).run(stop))
    url = f"http://127.0.0.1:{port}"
    try:
        await until_status(f"{url}/_local/health", 200)
        yield url
    finally:
        stop.set()
        await task


@contextlib.asynccontextmanager
async def engine(handler: Handler, port: int) -> AsyncIterator[None]:
    runner = web.ServerRunner(web.Server(handler, handler_cancellation=True))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def until_status(url: str, status: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(url) as answer:
                    if answer.status == status:
                        return
            await asyncio.sleep(0.02)


def run(
    handler: Handler, scenario: Callable[[aiohttp.ClientSession, str], Awaitable[None]]
) -> None:
    async def whole() -> None:
        port = free_port()
        async with engine(handler, port), gateway(port) as url:
            await until_status(f"{url}/_local/health/engine", 200)
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                await scenario(session, url)

    asyncio.run(whole())


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    body = await request.read()
    document = {
        "method": request.method,
        "target": request.raw_path,
        "body": body.decode(),
        "authorization": request.headers.get("Authorization"),
        "content_type": request.headers.get("Content-Type"),
        "expect": request.headers.get("Expect"),
    }
    return web.json_response(document, headers={"X-elastic-product": "Elasticsearch"})


def test_request_and_response_are_forwarded_unchanged() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        headers = {"Authorization": "Basic eA==", "Content-Type": "application/x-ndjson"}
        target = aiohttp.client.URL(f"{url}/a%2Fb/_search?q=%22x%22", encoded=True)
        async with session.post(target, data="{}\n", headers=headers) as answer:
            seen = await answer.json()
            assert answer.headers["X-elastic-product"] == "Elasticsearch"
        assert seen == {
            "method": "POST",
            "target": "/a%2Fb/_search?q=%22x%22",
            "body": "{}\n",
            "authorization": "Basic eA==",
            "content_type": "application/x-ndjson",
            "expect": None,
        }

    run(echo, scenario)


def test_compressed_body_is_forwarded_unchanged() -> None:
    compressed = gzip.compress(b'{"query": {}}')

    async def raw(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=await request.read())

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        headers = {"Content-Encoding": "gzip"}
        async with session.post(f"{url}/x", data=compressed, headers=headers) as answer:
            assert await answer.read() == b'{"query": {}}'  # the test server inflates it

    run(raw, scenario)


def test_expect_100_continue_is_answered() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/x", data="body", expect100=True) as answer:
            assert (await answer.json())["body"] == "body"

    run(echo, scenario)


def test_status_and_repeated_headers_are_forwarded() -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.Response(status=401, text="no")
        answer.headers.add("WWW-Authenticate", "Basic")
        answer.headers.add("WWW-Authenticate", "ApiKey")
        return answer

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/x") as answer:
            assert answer.status == 401
            assert answer.headers.getall("WWW-Authenticate") == ["Basic", "ApiKey"]

    run(refuse, scenario)


def test_large_response_is_streamed() -> None:
    more = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return web.Response()
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first")
        await more.wait()
        await answer.write(b"second")
        return answer

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/x") as answer:
            assert await answer.content.readany() == b"first"
            more.set()
            assert await answer.content.read() == b"second"

    run(slow, scenario)


def test_client_disconnect_cancels_the_request_to_the_engine() -> None:
    gone = asyncio.Event()

    async def waits(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            return web.Response()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        raise AssertionError("never reached")

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        with pytest.raises(TimeoutError):
            await session.get(f"{url}/x", timeout=aiohttp.ClientTimeout(total=0.2))
        async with asyncio.timeout(DEADLINE_SECONDS):
            await gone.wait()

    run(waits, scenario)


def test_unavailable_engine_gives_503_until_it_answers() -> None:
    async def whole() -> None:
        port = free_port()
        async with gateway(port) as url, aiohttp.ClientSession() as session:
            async with session.get(f"{url}/x") as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
                error = (await answer.json())["error"]
                assert error["type"] == "engine_unavailable_exception"
                assert "starting or restarting" in error["reason"]
            async with engine(echo, port):
                await until_status(f"{url}/x", 200)
            await until_status(f"{url}/x", 503)
            async with engine(echo, port):
                await until_status(f"{url}/x", 200)

    asyncio.run(whole())


def test_lost_connection_during_a_request_gives_502_with_the_reason() -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/":
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/x", data="y") as answer:
            assert answer.status == 502
            assert "it may have carried out the request" in await answer.text()

    run(cut, scenario)


ANSWERS: dict[str, Any] = {
    "/_nodes/_local": {
        "nodes": {
            "x": {
                "name": "es-0",
                "version": "8.19.21",
                "build_flavor": "default",
                "build_type": "zip",
                "build_hash": "4fe44c2",
            }
        }
    },
    "/_cluster/state/version": {"cluster_name": "es-cn-1", "cluster_uuid": "uuid"},
}


async def without_root(request: web.BaseRequest) -> web.StreamResponse:
    if request.headers.get("Authorization") != "Basic right":
        return web.json_response({"error": "who are you"}, status=401)
    if request.path == "/":
        return web.json_response({"error": "method"}, status=405)
    return web.json_response(ANSWERS[request.path])


def test_root_route_has_the_clusters_data() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        headers = {"Authorization": "Basic right", "Accept-Encoding": "gzip"}
        async with session.get(url, headers=headers) as answer:
            assert answer.headers["X-elastic-product"] == "Elasticsearch"
            root = json.loads(await answer.read())
        assert root["name"] == "es-0"
        assert root["cluster_name"] == "es-cn-1"
        assert root["cluster_uuid"] == "uuid"
        assert root["version"]["number"] == "8.19.21"
        assert root["version"]["lucene_version"] == "9.12.2"
        assert root["tagline"] == "You Know, for Search"
        async with session.head(url, headers=headers) as answer:
            assert answer.status == 200

    run(without_root, scenario)


def test_root_route_returns_the_engines_own_error() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url, headers={"Authorization": "Basic wrong"}) as answer:
            assert answer.status == 401
            assert json.loads(await answer.read()) == {"error": "who are you"}

    run(without_root, scenario)
