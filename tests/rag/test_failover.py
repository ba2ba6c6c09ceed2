"""The order of the nodes, and requests while a node fails, with real sockets.

It cannot prove how long a connection into a lost zone takes to fail. Here the connection is
refused, or the server does not answer.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rag.app.services import Services
from rag.embed import EmbeddingClient, ServiceInfo
from rag.errors import EmbeddingError
from rag.failover import Node, follow, order
from rag.fuse import DEFAULT_WEIGHT
from rag.index import mappings
from rag.retrieve import Retriever
from tests.rag.fakes import DIMENSION, META, vector_of

MODEL = META.model_version


class EmbeddingServer(ThreadingHTTPServer):
    """A node that hashes; its answers can be changed while it runs."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, _Handler)
        self.model_version = MODEL
        self.status = 200
        self.delay_seconds = 0.0
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EmbeddingServer

    def do_GET(self) -> None:
        info = {"status": "ok", "model_version": self.server.model_version}
        self._reply({**info, "dimension": DIMENSION})

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
        self.server.asked += texts
        time.sleep(self.server.delay_seconds)
        data = [
            {"embedding": base64.b64encode(vector_of(text).tobytes()).decode()} for text in texts
        ]
        self._reply({"model": self.server.model_version, "data": data})

    def _reply(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(server: EmbeddingServer) -> Iterator[EmbeddingServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def nodes() -> Iterator[tuple[EmbeddingServer, EmbeddingServer]]:
    with serving(EmbeddingServer()) as one, serving(EmbeddingServer()) as other:
        yield one, other


def nowhere() -> str:
    """Return an address that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def client(*urls: str, **options: Any) -> EmbeddingClient:
    fixed: dict[str, Any] = {"model_version": MODEL, "dimension": DIMENSION, "retry_seconds": 5.0}
    return EmbeddingClient(*urls, **{**fixed, "probe_seconds": 0.05, **options})


def run(use: Callable[[EmbeddingClient], Awaitable[None]], *urls: str, **options: Any) -> None:
    async def main() -> None:
        embedder = client(*urls, **options)
        try:
            await use(embedder)
        finally:
            await embedder.close()

    asyncio.run(main())


async def ask(embedder: EmbeddingClient, count: int) -> None:
    """Ask so many questions, one after the other; each is answered rightly."""
    for number in range(count):
        (vector,) = await embedder.embed([f"question {number}"], "query")
        assert (vector == vector_of(f"question {number}")).all()


async def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def urls_of(found: list[Node]) -> str:
    return "".join(node.url for node in found)


def test_nodes_that_answer_take_turns() -> None:
    found = [Node("a"), Node("b"), Node("c")]
    assert [urls_of(order(found, turn)) for turn in range(4)] == ["abc", "bca", "cab", "abc"]


def test_failed_nodes_come_last_longest_failed_first() -> None:
    found = [Node("a", failed_at=7.0), Node("b"), Node("c", failed_at=5.0), Node("d")]
    assert [urls_of(order(found, turn)) for turn in range(2)] == ["bdca", "dbca"]


def test_all_nodes_are_asked_if_all_failed() -> None:
    assert urls_of(order([Node("a", failed_at=7.0), Node("b", failed_at=5.0)], 3)) == "ba"


def test_a_new_node_is_asked_after_the_former_ones_until_it_has_answered() -> None:
    found = follow([Node("a"), Node("b")], ["b", "c"], now=3.0)
    assert urls_of(order(found, 0)) == "bac"
    assert [(node.url, node.leaving) for node in found] == [("b", False), ("c", False), ("a", True)]
    found = follow(found, ["a"], now=4.0)
    assert urls_of(order(found, 0)) == "abc"


def test_both_nodes_are_used(nodes: tuple[EmbeddingServer, EmbeddingServer]) -> None:
    one, other = nodes
    run(lambda embedder: ask(embedder, 10), one.url, other.url)
    assert (len(one.asked), len(other.asked)) == (5, 5)


def test_a_refused_connection_does_not_fail_a_question(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    one, _ = nodes
    started = time.monotonic()
    run(lambda embedder: ask(embedder, 20), nowhere(), one.url)
    assert len(one.asked) == 20
    assert time.monotonic() - started < 3


# 404: the address has gone to something else.
@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_request_goes_to_the_other_node_if_one_refuses_it(
    nodes: tuple[EmbeddingServer, EmbeddingServer], status: int
) -> None:
    one, other = nodes
    one.status = status
    started = time.monotonic()
    run(lambda embedder: ask(embedder, 10), one.url, other.url)
    assert len(other.asked) == 10
    assert time.monotonic() - started < 3


def test_a_client_waits_only_once_for_a_node_that_does_not_answer(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    one, other = nodes
    one.delay_seconds = 8.0
    started = time.monotonic()
    # Its health is not asked again within the test.
    options = {"patience_seconds": 0.3, "probe_seconds": 60.0}
    run(lambda embedder: ask(embedder, 20), one.url, other.url, **options)
    assert time.monotonic() - started < 4
    assert len(one.asked) == 1
    assert len(other.asked) == 20


def test_the_last_node_gets_the_whole_timeout(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    one, _ = nodes
    one.delay_seconds = 0.5
    run(lambda embedder: ask(embedder, 2), one.url, nowhere(), patience_seconds=0.2)
    assert set(one.asked) == {"question 0", "question 1"}


def test_vectors_of_another_model_are_not_used(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    one, other = nodes
    one.model_version = "v2"
    run(lambda embedder: ask(embedder, 6), one.url, other.url)
    assert len(other.asked) == 6

    async def refused(embedder: EmbeddingClient) -> None:
        with pytest.raises(EmbeddingError, match="has model 'v2', but the index needs 'v1'"):
            await embedder.embed(["a"], "query")

    run(refused, one.url, retry_seconds=0.2)


def test_a_node_that_recovers_is_used_again() -> None:
    async def use(embedder: EmbeddingClient) -> None:
        await ask(embedder, 4)
        assert len(other.asked) == 4
        with serving(EmbeddingServer(("127.0.0.1", int(gone.rpartition(":")[2])))) as back:
            await asyncio.sleep(0.3)
            await ask(embedder, 4)
            assert len(back.asked) == 2

    gone = nowhere()
    with serving(EmbeddingServer()) as other:
        run(use, gone, other.url)


def test_no_running_question_is_lost_if_a_node_is_killed() -> None:
    """Its process is killed while it holds requests: each is answered by the other, once."""
    command = [sys.executable, "-m", "tests.rag.stub_embedder", "0", "30"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        serving(EmbeddingServer()) as other,
    ):
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"

        async def use(embedder: EmbeddingClient) -> None:
            texts = [f"question {number}" for number in range(10)]
            tasks = [asyncio.create_task(embedder.embed([text], "query")) for text in texts]
            await until(lambda: len(other.asked) == 5)
            process.kill()
            for text, task in zip(texts, tasks, strict=True):
                assert ((await task)[0] == vector_of(text)).all()
            assert sorted(other.asked) == texts

        try:
            run(use, url, other.url)
        finally:
            process.kill()


def test_new_nodes_are_used_once_they_answer(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    """The index names other nodes, of the same model, as soon as there are any."""
    former, new = nodes

    async def use(embedder: EmbeddingClient) -> None:
        await ask(embedder, 2)
        new.status = 503
        embedder.follow([new.url])
        assert embedder.urls == (new.url,)
        await ask(embedder, 5)
        assert (len(former.asked), len(new.asked)) == (7, 0)
        new.status = 200
        await asyncio.sleep(0.3)
        former.status = 500
        await ask(embedder, 5)
        assert (len(former.asked), len(new.asked)) == (7, 5)

    run(use, former.url)


def test_wait_ready_returns_the_nodes_that_are_healthy(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    one, other = nodes
    info = ServiceInfo(model_version=MODEL, dimension=DIMENSION)

    async def all_of_them(embedder: EmbeddingClient) -> None:
        assert await embedder.wait_ready(5) == {one.url: info, other.url: info}

    async def one_of_them(embedder: EmbeddingClient) -> None:
        assert await embedder.wait_ready(5, others_seconds=0.1) == {one.url: info}

    async def none_of_them(embedder: EmbeddingClient) -> None:
        with pytest.raises(EmbeddingError, match=r"does not answer.*waited 0\.1 s"):
            await embedder.wait_ready(0.1)

    run(all_of_them, one.url, other.url)
    run(one_of_them, one.url, nowhere())
    run(none_of_them, nowhere(), nowhere())


class _Cluster:
    """A search cluster that only says what an index's `_meta` is."""

    def __init__(self) -> None:
        self.meta: dict[str, Any] = {}

    async def mappings(self, name: str) -> Any:
        return {name: mappings(DIMENSION, self.meta)}

    async def search(self, index: str, body: Any) -> Any:
        return {}


def test_a_reader_uses_the_nodes_that_the_index_names(
    nodes: tuple[EmbeddingServer, EmbeddingServer],
) -> None:
    one, other = nodes

    async def use(cluster: Any, retriever: Retriever, new: EmbeddingServer) -> None:
        services = Services(retriever=retriever, answerer=None, model=None)  # type: ignore[arg-type]
        # An index of before names one node.
        cluster.meta = {"model_version": MODEL, "embedding_urls": [one.url]}
        meta, first = await retriever.resolve()
        assert meta.embedding_urls == (one.url,)
        assert meta.search_weight == DEFAULT_WEIGHT
        cluster.meta = {
            **cluster.meta,
            "embedding_urls": [nowhere(), other.url],
            "search_weight": 0,
        }
        meta, second = await retriever.resolve(again=True)
        assert meta.embedding_urls[1] == other.url
        assert meta.search_weight == 0.0
        assert second is first
        told = await services._embedding()
        assert "does not answer" in told
        assert f"{other.url}: v1, 16 dimensions" in told
        new.model_version = "v2"
        cluster.meta = {"model_version": "v2", "embedding_urls": [new.url]}
        _, third = await retriever.resolve(again=True)
        assert third is not first
        assert (await third.embed(["a"], "query")).shape == (1, DIMENSION)
        # A question that began before the change is still answered.
        assert (await first.embed(["b"], "query")).shape == (1, DIMENSION)
        cluster.meta = {**cluster.meta, "embedding_urls": [nowhere()]}
        await retriever.resolve(again=True)
        with pytest.raises(EmbeddingError, match="does not answer"):
            await services._embedding()

    async def main() -> None:
        cluster: Any = _Cluster()
        retriever = Retriever(cluster, "chunks")
        try:
            with serving(EmbeddingServer()) as new:
                await use(cluster, retriever, new)
        finally:
            await retriever.close()

    asyncio.run(main())


def test_a_node_that_an_index_names_twice_is_used_once() -> None:
    embedder = client("http://a/", "http://a", "http://b")
    assert embedder.urls == ("http://a", "http://b")
    asyncio.run(embedder.close())


def test_a_service_without_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="urls is empty"):
        EmbeddingClient()
