"""The embedding client, the waiting line, and the service with a fake encoder."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from rag.batching import BatchQueue, QueueFullError
from rag.embed import EmbeddingClient, ServiceInfo
from rag.embedder import Encoded
from rag.errors import EmbeddingError
from rag.openai_requests import MAX_TEXTS
from rag.serving import EmbeddingService, create_app
from rag.settings import EmbeddingServiceSettings
from rag.token_form import TokenForm
from tests.rag.fakes import DIMENSION, tokens_of, vector_of


def answer(texts: list[str], dimension: int = DIMENSION) -> httpx.Response:
    rows = [base64.b64encode(vector_of(t)[:dimension].tobytes()).decode() for t in texts]
    return httpx.Response(200, json={"data": [{"embedding": row} for row in rows]})


def client(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> EmbeddingClient:
    return EmbeddingClient(
        "http://embedder", dimension=DIMENSION, transport=httpx.MockTransport(handler), **options
    )


def test_embeddings_come_in_the_order_of_the_texts() -> None:
    async def run() -> None:
        embedder = client(lambda request: answer(json.loads(request.content)["input"]))
        vectors = await embedder.embed(["a", "b", "c"], "document")
        assert np.allclose(vectors, np.stack([vector_of(t) for t in "abc"]))
        assert (await embedder.embed([], "document")).shape == (0, DIMENSION)
        await embedder.close()

    asyncio.run(run())


def test_token_vectors_come_with_the_embeddings_if_they_are_asked_for() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        reply = answer(body["input"]).json()
        if body.get("token_vectors"):
            for item, text in zip(reply["data"], body["input"], strict=True):
                item["token_vectors"] = base64.b64encode(tokens_of(text)).decode()
        return httpx.Response(200, json=reply)

    async def run() -> None:
        embedder = client(handler)
        encoded = await embedder.embed_tokens(["a b", "c"], "query")
        assert np.allclose(encoded.vectors, await embedder.embed(["a b", "c"], "query"))
        assert encoded.tokens == (tokens_of("a b"), tokens_of("c"))
        assert (await embedder.embed_tokens([], "query")).tokens == ()

    asyncio.run(run())


def test_a_service_whose_model_has_no_token_vectors_is_named() -> None:
    embedder = client(lambda request: answer(["a"]))
    with pytest.raises(EmbeddingError, match="http://embedder did not return token vectors"):
        asyncio.run(embedder.embed_tokens(["a"], "query"))


def test_a_request_to_a_busy_service_is_retried() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) < 3:
            return httpx.Response(429, headers={"retry-after": "0"}, json={})
        return answer(json.loads(request.content)["input"])

    vectors = asyncio.run(client(handler).embed(["a"], "query"))
    assert len(asked) == 3
    assert vectors.shape == (1, DIMENSION)


def test_an_unreachable_service_is_named_after_the_last_retry() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(EmbeddingError, match=r"http://embedder does not answer.*tried for 0\.2 s"):
        asyncio.run(client(handler, retry_seconds=0.2).embed(["a"], "query"))


def test_a_refused_request_is_not_retried() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(400, json={"error": {"message": "too long"}})

    with pytest.raises(EmbeddingError, match="400 too long"):
        asyncio.run(client(handler).embed(["a"], "query"))
    assert len(asked) == 1


def test_embeddings_of_another_dimension_are_refused() -> None:
    with pytest.raises(
        EmbeddingError, match=f"returns 8 dimensions, but the index has {DIMENSION}"
    ):
        asyncio.run(client(lambda request: answer(["a"], 8)).embed(["a"], "query"))


def test_another_number_of_embeddings_is_refused() -> None:
    with pytest.raises(EmbeddingError, match="did not return 3 embeddings"):
        asyncio.run(client(lambda request: answer(["a", "b"])).embed(["a", "b", "c"], "query"))


def test_wait_ready_waits_for_a_service_that_is_loading() -> None:
    replies = [
        httpx.Response(503, json={"status": "loading"}),
        httpx.Response(200, json={"status": "ok", "model_version": "v1", "dimension": 16}),
    ]
    said = asyncio.run(client(lambda request: replies.pop(0)).wait_ready(30))
    assert said == {"http://embedder": ServiceInfo(model_version="v1", dimension=16)}


def test_questions_go_before_documents_that_waited_longer() -> None:
    async def run() -> None:
        queue = BatchQueue(100, 4, 10_000)
        queue.put(["long document"] * 6, "document")
        queue.put(["question?"], "query")
        first, second = queue.take(), queue.take()
        assert first is not None and second is not None
        assert first.texts == ["question?"]
        assert len(second.texts) == 4

    asyncio.run(run())


def test_a_batch_has_texts_of_similar_length_around_the_oldest() -> None:
    async def run() -> None:
        queue = BatchQueue(100, 3, 10_000)
        queue.put(["x" * 50], "document")
        queue.put(["y" * n for n in (1, 2, 48, 51, 400, 500)], "document")
        batch = queue.take()
        assert batch is not None
        assert [len(text) for text in batch.texts] == [48, 50, 51]

    asyncio.run(run())


def test_a_batch_of_long_texts_is_smaller() -> None:
    async def run() -> None:
        queue = BatchQueue(100, 8, 1000)
        queue.put(["x" * 400] * 8, "document")
        batch = queue.take()
        assert batch is not None
        assert len(batch.texts) == 2

    asyncio.run(run())


def test_a_full_queue_refuses_texts_and_a_cancelled_request_leaves_it() -> None:
    async def run() -> None:
        queue = BatchQueue(3, 8, 1000)
        ticket = queue.put(["a", "b"], "document")
        with pytest.raises(QueueFullError):
            queue.put(["c", "d"], "document")
        ticket.future.cancel()
        queue.put(["e"], "document")
        batch = queue.take()
        assert batch is not None
        assert batch.texts == ["e"]

    asyncio.run(run())


def test_a_request_in_several_batches_gets_all_its_vectors() -> None:
    async def run() -> None:
        queue = BatchQueue(100, 2, 10_000)
        texts = ["ccc", "a", "bb"]
        ticket = queue.put(texts, "document")
        while len(queue):
            batch = queue.take()
            assert batch is not None
            queue.done(batch, [text.upper() for text in batch.texts])
        assert await ticket.future == ["CCC", "A", "BB"]

    asyncio.run(run())


class FakeEncoder:
    dimension = DIMENSION
    device = "cpu"
    batch_size = 4
    workers = 2
    token_form = TokenForm(dimension=DIMENSION, pooling=1)
    cross_encoder = None
    late_interaction = None

    def prepare_thread(self) -> None:
        pass

    def encode_batch(self, texts: list[str], input_type: str) -> Encoded:
        if "poison" in texts:
            raise RuntimeError("no")
        return Encoded(
            vectors=np.stack([vector_of(text) for text in texts]),
            tokens=tuple(map(tokens_of, texts)),
        )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> EmbeddingService:
    monkeypatch.setattr("rag.serving.LocalEncoder", lambda *args, **options: FakeEncoder())
    service = EmbeddingService(EmbeddingServiceSettings(model_uri="fake", model_version="v7"))
    service.load()
    return service


def test_the_service_answers_as_openai_does(service: EmbeddingService) -> None:
    with TestClient(create_app(service)) as http:
        body = {"input": ["one", "two"]}
        reply = http.post("/v1/embeddings", json=body).json()
        assert [item["index"] for item in reply["data"]] == [0, 1]
        assert np.allclose(reply["data"][1]["embedding"], vector_of("two"))
        coded = http.post("/v1/embeddings", json={**body, "encoding_format": "base64"}).json()
        raw = base64.b64decode(coded["data"][0]["embedding"])
        assert np.allclose(np.frombuffer(raw, "<f4"), vector_of("one"))
        assert http.get("/health").json()["model_version"] == "v7"
        assert "texts_total 4" in http.get("/metrics").text


def test_the_service_adds_token_vectors_if_they_are_asked_for(service: EmbeddingService) -> None:
    with TestClient(create_app(service)) as http:
        body = {"input": ["one two", "three"], "token_vectors": True}
        reply = http.post("/v1/embeddings", json=body).json()
        found = [base64.b64decode(item["token_vectors"]) for item in reply["data"]]
        assert found == [tokens_of("one two"), tokens_of("three")]
        plain = http.post("/v1/embeddings", json={"input": "one"}).json()
        assert "token_vectors" not in plain["data"][0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": []}, "1 to 2048"),
        ({"input": ["x"] * (MAX_TEXTS + 1)}, "2049 texts"),
        ({"input": [1]}, "string or a list"),
        ({"input": "x", "input_type": "passage"}, "use query or document"),
        ({"input": "x", "encoding_format": "hex"}, "use float or base64"),
        ({"input": "x", "token_vectors": 1}, "use true or false"),
    ],
)
def test_a_bad_request_names_what_is_allowed(
    service: EmbeddingService, body: dict[str, object], message: str
) -> None:
    with TestClient(create_app(service)) as http:
        reply = http.post("/v1/embeddings", json=body)
    assert reply.status_code == 400
    assert message in reply.json()["error"]["message"]


def test_a_failed_batch_fails_only_its_own_request(service: EmbeddingService) -> None:
    with TestClient(create_app(service)) as http:
        assert http.post("/v1/embeddings", json={"input": "poison"}).status_code == 500
        assert http.post("/v1/embeddings", json={"input": "fine"}).status_code == 200


def test_a_service_without_its_model_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    service = EmbeddingService(EmbeddingServiceSettings(model_uri="no-such-model"))
    monkeypatch.setattr("rag.serving._load_or_exit", lambda app, service: None)
    with TestClient(create_app(service)) as http:
        assert http.get("/health").status_code == 503
        assert http.post("/v1/embeddings", json={"input": "x"}).headers["retry-after"] == "2"
