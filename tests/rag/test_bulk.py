"""Bulk writing, by both clients, against a server with scripted answers.

Tests of the ingest use a real cluster.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from elasticsearch import AsyncElasticsearch
from opensearchpy import AsyncOpenSearch

from rag.bulk import BulkWriter, delete_operation, index_operation
from rag.engines.base import SearchEngine
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.engines.opensearch import OpenSearchEngine
from rag.errors import ClusterShortageError, IngestError

CHUNK = index_operation("a", {"text": "x"}, np.array([[0.6, 0.8]], np.float32))


def item(kind: str, status: int, error_type: str = "t", chunk_id: str = "a") -> dict[str, Any]:
    error = {} if status < 400 else {"error": {"type": error_type, "reason": "because"}}
    return {kind: {"_id": chunk_id, "status": status, **error}}


class Cluster(ThreadingHTTPServer):
    """Answers each request with the next of `replies`: a status, or the items of a bulk reply."""

    daemon_threads = True

    def __init__(self, connect: Callable[[str], SearchEngine]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[int | list[dict[str, Any]]] = []
        self.bodies: list[str] = []
        self.connect = connect


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Cluster

    def do_POST(self) -> None:
        self.do_PUT()

    def do_PUT(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])).decode())
        reply = self.server.replies.pop(0)
        status = reply if isinstance(reply, int) else 200
        content = json.dumps({"errors": True, "items": reply}).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(
    params=[
        pytest.param(lambda url: ElasticsearchEngine(AsyncElasticsearch(url)), id="elasticsearch"),
        pytest.param(lambda url: OpenSearchEngine(AsyncOpenSearch(url)), id="opensearch"),
    ]
)
def cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr("rag.bulk._MAX_WAIT_SECONDS", 0.0)
    with Cluster(request.param) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def write(cluster: Cluster, *operations: dict[str, Any], port: int = 0) -> dict[str, str]:
    async def main() -> dict[str, str]:
        engine = cluster.connect(f"http://127.0.0.1:{port or cluster.server_port}")
        try:
            return await BulkWriter(engine, "chunks").write(operations)
        finally:
            await engine.close()

    return asyncio.run(main())


def test_an_embedding_is_written_with_seven_decimals(cluster: Cluster) -> None:
    cluster.replies = [[item("index", 201)]]
    write(cluster, CHUNK)
    action, source = map(json.loads, cluster.bodies[0].splitlines())
    assert action == {"index": {"_id": "a"}}
    assert source == {"text": "x", "windows": [{"embedding": [0.6, 0.8]}]}


@pytest.mark.parametrize("busy", [503, [item("index", 429)]])
def test_a_write_that_a_busy_cluster_refuses_is_retried(
    cluster: Cluster, busy: int | list[dict[str, Any]]
) -> None:
    cluster.replies = [busy, [item("index", 201)]]
    write(cluster, CHUNK)
    assert len(cluster.bodies) == 2


MEMORY = "Memory Circuit Breaker is open, please check your resources!"
DISK = "Disk Circuit Breaker is open, please check your resources!"
FLOOD = (
    "index [chunks] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, "
    "index has read-only-allow-delete block];"
)
NO_MODEL = "Model not ready yet. Please deploy the model first."


def refused(status: int, error_type: str, reason: str) -> list[dict[str, Any]]:
    return [
        {
            "index": {
                **item("index", status)["index"],
                "error": {"type": error_type, "reason": reason},
            }
        }
    ]


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (refused(429, "circuit_breaking_exception", MEMORY), "Raise customrag:opensearchHeapMib"),
        (refused(429, "circuit_breaking_exception", DISK), "Raise customrag:opensearchDiskGib"),
        (refused(429, "cluster_block_exception", FLOOD), "Raise customrag:opensearchDiskGib"),
        (refused(400, "illegal_argument_exception", NO_MODEL), "Run `make up` again"),
    ],
    ids=["memory", "disk of models", "disk", "model"],
)
def test_what_a_cluster_lacks_is_waited_for_and_reported_with_what_to_do(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, reply: list[dict[str, Any]], advice: str
) -> None:
    monkeypatch.setattr("rag.bulk._RETRY_SECONDS", 0.0)
    monkeypatch.setattr("rag.bulk._SHORTAGE_SECONDS", 0.0)
    cluster.replies = [reply]
    with pytest.raises(ClusterShortageError, match=advice):
        write(cluster, CHUNK)
    monkeypatch.undo()
    monkeypatch.setattr("rag.bulk._MAX_WAIT_SECONDS", 0.0)
    cluster.replies = [reply, reply, [item("index", 201)]]
    assert write(cluster, CHUNK) == {}


def test_only_refused_operations_are_retried(cluster: Cluster) -> None:
    cluster.replies = [
        [item("index", 201), item("delete", 429, chunk_id="b")],
        [item("delete", 200)],
    ]
    write(cluster, CHUNK, delete_operation("b"))
    assert [len(body.splitlines()) for body in cluster.bodies] == [3, 1]


def test_a_delete_of_a_missing_chunk_is_success(cluster: Cluster) -> None:
    cluster.replies = [[item("delete", 404)]]
    write(cluster, delete_operation("b"))


def test_a_chunk_whose_content_is_refused_is_named_and_the_others_are_written(
    cluster: Cluster,
) -> None:
    cluster.replies = [[item("index", 400), item("index", 201)]]
    refused = write(cluster, CHUNK, {**CHUNK, "_id": "b"})
    assert refused == {"a": "the index refuses a part of it: t: because"}


@pytest.mark.parametrize(
    "replies",
    [
        [[item("index", 400, "strict_dynamic_mapping_exception")]],
        [[item("index", 403)]],
        [[item("index", 429)]],
    ],
)
def test_a_chunk_that_is_refused_for_another_reason_fails_the_write(
    cluster: Cluster, replies: list[list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.bulk._RETRY_SECONDS", 0.0)
    cluster.replies = [*replies]
    with pytest.raises(IngestError, match=r"Index 'chunks' refused a chunk: 4\d\d \w+: because"):
        write(cluster, CHUNK)
    assert not cluster.replies


def test_a_cluster_that_does_not_answer_fails_the_write(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.bulk._RETRY_SECONDS", 0.0)
    with pytest.raises(IngestError, match=r"index 'chunks' failed: Connection ?[eE]rror"):
        write(cluster, CHUNK, port=1)
