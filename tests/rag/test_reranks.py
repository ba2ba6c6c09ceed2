"""The embedding service's rerank route, its client, and the failover between nodes."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from rag.embed import EmbeddingClient
from rag.embedder import Encoded, InputType
from rag.errors import RerankError
from rag.late_interaction import LocalLateInteraction
from rag.openai_requests import MAX_TEXTS
from rag.serving import EmbeddingService, create_app
from rag.settings import EmbeddingServiceSettings
from rag.token_vectors import pack
from tests.rag.fakes import DIMENSION, vector_of

BODY = {"query": "why?", "documents": ["a", "aaa", "aa"]}


class Lengths:
    """Scores a text by its length; waits for `free`."""

    name = "cross-encoder"

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.asked: list[str] = []

    def scores(self, question: str, texts: list[str]) -> list[float]:
        assert self.free.wait(5)
        self.asked.append(question)
        if "poison" in texts:
            raise RuntimeError("no")
        return [float(len(text)) for text in texts]


class FakeEncoder:
    dimension = DIMENSION
    device = "cpu"
    batch_size = 4
    workers = 1

    def __init__(
        self, cross_encoder: Lengths | None, late_interaction: LocalLateInteraction | None = None
    ) -> None:
        self.cross_encoder = cross_encoder
        self.late_interaction = late_interaction

    def prepare_thread(self) -> None:
        pass

    def encode_batch(self, texts: list[str], input_type: str) -> Encoded:
        return Encoded(vectors=np.stack([vector_of(text) for text in texts]), tokens=())


def loaded(
    monkeypatch: pytest.MonkeyPatch,
    cross_encoder: Lengths | None,
    late_interaction: LocalLateInteraction | None = None,
    **settings: Any,
) -> EmbeddingService:
    encoder = FakeEncoder(cross_encoder, late_interaction)
    monkeypatch.setattr("rag.serving.LocalEncoder", lambda *_, **__: encoder)
    named = EmbeddingServiceSettings(model_uri="fake", model_version="v7", **settings)
    service = EmbeddingService(named)
    service.load()
    return service


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with TestClient(create_app(loaded(monkeypatch, Lengths()))) as client:
        yield client


def test_the_most_relevant_document_comes_first(http: TestClient) -> None:
    reply = http.post("/v1/reranks", json=BODY).json()
    assert (reply["model"], reply["reranker"]) == ("v7", "cross-encoder")
    assert reply["usage"]["total_tokens"] > 0
    assert reply["results"] == [
        {"index": 1, "relevance_score": 3.0},
        {"index": 2, "relevance_score": 2.0},
        {"index": 0, "relevance_score": 1.0},
    ]
    first = http.post("/v1/reranks", json={**BODY, "top_n": 1}).json()["results"]
    assert first == reply["results"][:1]
    metrics = http.get("/metrics").text
    assert "customrag_rerank_documents_total 6" in metrics
    assert "customrag_rerank_waiting_documents 0" in metrics


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": 1}, "query must be a string"),
        ({"documents": []}, "1 to 2048"),
        ({"documents": ["x"] * (MAX_TEXTS + 1)}, "2049 texts"),
        ({"documents": [1]}, "string or a list"),
        ({"top_n": 0}, "a whole number from 1"),
        ({"top_n": "all"}, "a whole number from 1"),
        ({"top_n": True}, "a whole number from 1"),
    ],
)
def test_a_bad_request_names_what_is_allowed(
    http: TestClient, changes: dict[str, object], message: str
) -> None:
    reply = http.post("/v1/reranks", json={**BODY, **changes})
    assert reply.status_code == 400
    assert message in reply.json()["error"]["message"]


def test_a_failed_scoring_fails_only_its_own_request(http: TestClient) -> None:
    failed = http.post("/v1/reranks", json={**BODY, "documents": ["poison"]})
    assert failed.status_code == 500
    assert failed.json()["error"]["message"] == "reranking failed: RuntimeError"
    assert http.post("/v1/reranks", json=BODY).status_code == 200
    assert "customrag_rerank_failed_total 1" in http.get("/metrics").text


def test_a_model_without_a_cross_encoder_scores_by_late_interaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def encode(texts: Sequence[str], input_type: InputType) -> Encoded:
        # A token vector for each letter.
        rows = [np.eye(26, dtype=np.float32)[[(ord(c) - 97) % 26 for c in text]] for text in texts]
        return Encoded(vectors=np.empty((0, 26), np.float32), tokens=tuple(map(pack, rows)))

    body = {"query": "ab", "documents": ["a", "ba", "c"]}
    late_interaction = LocalLateInteraction(encode, 26)
    with TestClient(create_app(loaded(monkeypatch, None, late_interaction))) as http:
        reply = http.post("/v1/reranks", json=body).json()
    assert reply["reranker"] == "late-interaction"
    assert [item["index"] for item in reply["results"]] == [1, 0, 2]
    assert [item["relevance_score"] for item in reply["results"]] == pytest.approx([1.0, 0.5, 0.0])


def test_a_model_without_a_reranker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(create_app(loaded(monkeypatch, None))) as http:
        reply = http.post("/v1/reranks", json=BODY)
        assert reply.status_code == 404
        assert reply.json()["error"]["message"] == (
            "the model v7 has no cross-encoder and no token vectors"
        )
        assert "rerank" not in http.get("/metrics").text


def test_a_service_that_is_loading_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    service = EmbeddingService(EmbeddingServiceSettings(model_uri="no-such-model"))
    monkeypatch.setattr("rag.serving._load_or_exit", lambda app, service: None)
    with TestClient(create_app(service)) as http:
        assert http.post("/v1/reranks", json=BODY).headers["retry-after"] == "2"


def asking(service: EmbeddingService) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(service))
    return httpx.AsyncClient(transport=transport, base_url="http://service")


def test_questions_are_embedded_while_passages_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    cross_encoder = Lengths()
    service = loaded(monkeypatch, cross_encoder, max_queued_texts=8)
    cross_encoder.free.clear()

    async def main() -> None:
        async with asking(service) as http:
            waiting = [asyncio.create_task(http.post("/v1/reranks", json=BODY)) for _ in range(2)]
            while service.reranks is None or service.reranks.waiting < 6:
                await asyncio.sleep(0.01)
            embedded = await http.post("/v1/embeddings", json={"input": "a question"})
            assert embedded.status_code == 200
            refused = await http.post("/v1/reranks", json=BODY)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            cross_encoder.free.set()
            for reply in await asyncio.gather(*waiting):
                assert reply.status_code == 200

    asyncio.run(main())
    service.close()


def test_a_request_that_would_wait_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.reranks._LONGEST_WAIT_SECONDS", 0.05)
    cross_encoder = Lengths()
    service = loaded(monkeypatch, cross_encoder)
    cross_encoder.free.clear()

    async def main() -> None:
        async with asking(service) as http:
            first = asyncio.create_task(http.post("/v1/reranks", json=BODY))
            while service.reranks is None or service.reranks.waiting < 3:
                await asyncio.sleep(0.01)
            refused = await http.post("/v1/reranks", json=BODY)
            assert refused.status_code == 429
            assert "other questions took the 0.05 s" in refused.json()["error"]["message"]
            cross_encoder.free.set()
            assert (await first).status_code == 200
            assert (await http.post("/v1/reranks", json=BODY)).status_code == 200
            assert service.reranks.counters["refused"] == 1

    asyncio.run(main())
    service.close()


async def scored(
    answers: Callable[[httpx.Request], httpx.Response], texts: list[str], **options: Any
) -> list[float]:
    embedder = EmbeddingClient(
        "http://one",
        "http://two",
        model_version="v7",
        transport=httpx.MockTransport(answers),
        **options,
    )
    try:
        return await embedder.relevance("why?", texts)
    finally:
        await embedder.close()


def reply(scores: list[float], **changes: object) -> httpx.Response:
    found = [{"index": at, "relevance_score": score} for at, score in enumerate(scores)]
    return httpx.Response(200, json={"results": found[::-1], "model": "v7", **changes})


def test_the_client_returns_scores_in_the_order_of_the_texts() -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/reranks"
        assert json.loads(request.content) == {"query": "why?", "documents": ["a", "b"]}
        return reply([0.1, 0.9])

    assert asyncio.run(scored(answers, ["a", "b"])) == [0.1, 0.9]
    assert asyncio.run(scored(answers, [])) == []


@pytest.mark.parametrize(
    "first",
    [
        httpx.Response(503, json={"error": {"message": "the model is loading"}}),
        httpx.Response(404, text="Not Found"),
        reply([0.5, 0.5], model="v6"),
    ],
)
def test_the_other_node_scores_if_one_does_not(first: httpx.Response) -> None:
    asked: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return first if len(asked) == 1 else reply([0.1, 0.9])

    assert asyncio.run(scored(answers, ["a", "b"])) == [0.1, 0.9]
    assert sorted(asked) == ["one", "two"]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            httpx.Response(404, json={"error": {"message": "the model v7 has no cross-encoder"}}),
            "one: 404 the model v7 has no cross-encoder",
        ),
        (httpx.Response(400, json={"error": {"message": "too long"}}), "400 too long"),
        (httpx.Response(429), "one: 429"),
        (reply([0.9, 0.1], reranker="late-interaction"), "its model has no cross-encoder"),
        (reply([0.5]), "did not return a score for each of 2 passages"),
    ],
)
def test_a_client_without_scores_says_why(response: httpx.Response, message: str) -> None:
    with pytest.raises(RerankError, match=message):
        asyncio.run(scored(lambda request: response, ["a", "b"]))


def test_a_reader_does_not_wait_long_for_scores() -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError("the client waited")

    with pytest.raises(RerankError, match=r"did not score 2 passages within 0\.05 s"):
        asyncio.run(scored(never, ["a", "b"], relevance_seconds=0.05))  # type: ignore[arg-type]


def test_the_node_that_embedded_a_question_scores_and_one_that_cannot_score_still_embeds() -> None:
    asked: list[tuple[str, str]] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, request.url.path))
        if request.url.path == "/v1/reranks":
            return httpx.Response(500, json={"error": {"message": "reranking failed"}})
        row = base64.b64encode(vector_of("x").tobytes()).decode()
        return httpx.Response(200, json={"data": [{"embedding": row}], "model": "v7"})

    async def main() -> None:
        transport = httpx.MockTransport(answers)
        embedder = EmbeddingClient(
            "http://one", "http://two", model_version="v7", transport=transport
        )
        for _ in range(4):
            await embedder.embed(["x"], "query")
            with pytest.raises(RerankError, match="reranking failed"):
                await embedder.relevance("x", ["a"])
        await embedder.close()

    asyncio.run(main())
    embedded, first = asked[::3], asked[1::3]
    assert {path for _, path in embedded} == {"/v1/embeddings"}
    assert [host for host, _ in embedded] == [host for host, _ in first]
    assert embedded[0] == embedded[2] != embedded[1]
