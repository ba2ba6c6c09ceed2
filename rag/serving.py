"""The embedding service: ``python -m rag.serving``.

Owns one model and its reranker, on the machine's GPU or processor, behind the OpenAI embeddings
protocol. The reranker is the model's cross-encoder, else the late interaction of its token vectors.

    POST /v1/embeddings  {"input": str | [str], "encoding_format"?: "float" | "base64",
                          "input_type"?: "query" | "document", "token_vectors"?: bool}
    POST /v1/reranks     {"query": str, "documents": [str], "top_n"?: int}; see `rag.reranks`
    GET  /v1/models      the one model
    GET  /v1/tokenizer   {"model", "max_tokens", "tokenizer"}: the text of the model's
                         tokenizer.json, by which `rag.chunk` measures chunks
    GET  /health         200 {"status": "ok", "model_version", "dimension", ...}; 503 while loading
    GET  /metrics        counters, in the Prometheus text format

``token_vectors`` is an addition to the protocol; see `rag.embed`. Batches of similar length hold
texts of all requests (`rag.batching`). Limits: 2,048 texts and 16 MiB per request;
``CUSTOMRAG_MAX_QUEUED_TEXTS`` waiting texts, and as many documents to rerank, then 429. The model
cuts a text that is longer than its input. Errors have OpenAI's shape. The service has no
authentication: it listens on loopback or inside a private network only.

https://platform.openai.com/docs/api-reference/embeddings (read 2026-11).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rag.batching import BatchQueue, QueueFullError
from rag.embedder import InputType, Vectors
from rag.encoder import LocalEncoder
from rag.model_folder import fetch_model
from rag.openai_requests import RefusedError, asked, busy, refused, texts_in
from rag.reranks import Reranks, rerank_in
from rag.settings import EmbeddingServiceSettings

__all__ = ["EmbeddingService", "create_app", "main"]

_BATCH_CHARACTERS = {"cpu": 256 * 1024, "gpu": 4 * 2**20}
_LOG = logging.getLogger("rag.serving")


class EmbeddingService:
    """The model and the threads that compute with it.

    Args:
        settings: The model, the address and the limits.
    """

    def __init__(self, settings: EmbeddingServiceSettings) -> None:
        self.settings = settings
        self.encoder: LocalEncoder | None = None
        self.queue: BatchQueue | None = None
        self.reranks: Reranks | None = None
        self.failure = ""
        self.counters = dict.fromkeys(
            ("requests", "refused", "texts", "batches", "failed_batches"), 0
        )
        self.busy_seconds = 0.0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._tokenizing = threading.Lock()
        self._tokenizer: bytes | None = None

    def load(self) -> None:
        """Fetch and load the model, compute once with it, and start the threads.

        Raises:
            Exception: The model cannot be loaded; `failure` has the reason in one line.
        """
        started = time.monotonic()
        settings = self.settings
        try:
            encoder = LocalEncoder(
                fetch_model(settings), device=settings.device, batch_size=settings.max_batch_texts
            )
            encoder.prepare_thread()
            encoder.encode_batch(["ready?"], "query")
            if (scorer := encoder.cross_encoder or encoder.late_interaction) is not None:
                scorer.scores("ready?", ["yes"])
                self.reranks = Reranks(scorer, settings.max_queued_texts)
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            raise
        kind = "cpu" if encoder.device == "cpu" else "gpu"
        queue = BatchQueue(settings.max_queued_texts, encoder.batch_size, _BATCH_CHARACTERS[kind])
        for number in range(encoder.workers):
            thread = threading.Thread(
                target=self._work, args=(encoder, queue), name=f"encoder-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        self.encoder, self.queue = encoder, queue
        _LOG.info(
            "model %s ready on %s: %d dimensions, %d workers, reranker %s, %.1f s",
            settings.model_uri,
            encoder.device,
            encoder.dimension,
            encoder.workers,
            "none" if self.reranks is None else self.reranks.name,
            time.monotonic() - started,
        )

    def tokenizer(self, encoder: LocalEncoder) -> bytes:
        """Return the answer of /v1/tokenizer, compressed; computed once.

        Raises:
            ValueError: The model's tokenizer cannot measure; see `rag.tokens.tokens_of`.
        """
        with self._tokenizing:
            if self._tokenizer is None:
                tokens = encoder.tokens
                body = {
                    "model": _model(self),
                    "max_tokens": tokens.max_tokens,
                    "tokenizer": tokens.tokenizer_json,
                }
                self._tokenizer = gzip.compress(json.dumps(body, ensure_ascii=False).encode())
            return self._tokenizer

    def close(self) -> None:
        """Stop each thread after its present batch."""
        if self.queue is not None:
            self.queue.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _work(self, encoder: LocalEncoder, queue: BatchQueue) -> None:
        encoder.prepare_thread()
        while (batch := queue.take()) is not None:
            started = time.perf_counter()
            try:
                encoded = encoder.encode_batch(batch.texts, batch.input_type)
            except Exception as error:  # noqa: BLE001 - fails the batch, not the service
                _LOG.exception("a batch of %d texts failed", len(batch.items))
                self.count(failed_batches=1)
                queue.failed(batch, error)
                continue
            tokens = encoded.tokens or [b""] * len(batch.items)
            queue.done(batch, zip(encoded.vectors, tokens, strict=True))
            self.count(batches=1, texts=len(batch.items))
            with self._lock:
                self.busy_seconds += time.perf_counter() - started

    def count(self, **increments: int) -> None:
        """Add to the counters."""
        with self._lock:
            for name, increment in increments.items():
                self.counters[name] += increment


def create_app(service: EmbeddingService) -> Starlette:
    """Create the web application, which loads the model in the background once it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loading = asyncio.create_task(asyncio.to_thread(_load_or_exit, app, service))
        yield
        loading.cancel()
        service.close()

    app = Starlette(
        routes=[
            Route("/v1/embeddings", _embeddings, methods=["POST"]),
            Route("/v1/reranks", _reranks, methods=["POST"]),
            Route("/v1/models", _models),
            Route("/v1/tokenizer", _tokenizer),
            Route("/health", _health),
            Route("/metrics", _metrics),
        ],
        exception_handlers={RefusedError: refused},
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.on_failure = None
    return app


def _load_or_exit(app: Starlette, service: EmbeddingService) -> None:
    try:
        if service.queue is None:
            service.load()
    except Exception:  # noqa: BLE001 - reported and ends the service
        _LOG.exception("the model %s cannot be loaded", service.settings.model_uri)
        if app.state.on_failure is not None:
            app.state.on_failure()


def _loading() -> RefusedError:
    return RefusedError(503, "the model is loading", "server_error", **{"Retry-After": "2"})


def _model(service: EmbeddingService) -> str:
    return service.settings.model_version or service.settings.model_uri


async def _embeddings(request: Request) -> Response:
    service = cast(EmbeddingService, request.app.state.service)
    service.count(requests=1)
    if service.queue is None:
        raise _loading()
    wanted = await asked(request, _wanted)
    try:
        ticket = service.queue.put(wanted.texts, wanted.input_type)
    except QueueFullError as error:
        service.count(refused=1)
        raise busy("too many texts are waiting") from error
    try:
        rows = await ticket.future
    except asyncio.CancelledError:
        ticket.future.cancel()
        raise
    except Exception as error:
        message = f"encoding failed: {type(error).__name__}"
        raise RefusedError(500, message, "server_error") from error
    data = [
        {"object": "embedding", "index": index, **_item(wanted, *row)}
        for index, row in enumerate(rows)
    ]
    # An estimate, because only the encoder knows the number of tokens.
    tokens = sum(map(len, wanted.texts)) // 4
    body = {
        "object": "list",
        "data": data,
        "model": _model(service),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return Response(json.dumps(body), media_type="application/json")


async def _reranks(request: Request) -> Response:
    service = cast(EmbeddingService, request.app.state.service)
    if service.encoder is None:
        raise _loading()
    wanted = await asked(request, rerank_in)
    if service.reranks is None:
        missing = "no cross-encoder and no token vectors"
        raise RefusedError(404, f"the model {_model(service)} has {missing}")
    scores = await service.reranks.scores(wanted)
    # An estimate, as for embeddings. The question counts once for each document.
    characters = sum(len(wanted.query) + len(document) for document in wanted.documents)
    return JSONResponse(
        {
            "object": "list",
            "results": wanted.results(scores),
            "model": _model(service),
            "reranker": service.reranks.name,
            "usage": {"total_tokens": characters // 4},
        }
    )


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What a request to /v1/embeddings asks for."""

    texts: list[str]
    input_type: InputType
    encoding: str
    token_vectors: bool


def _item(wanted: _Wanted, vector: Vectors, tokens: bytes) -> dict[str, Any]:
    """Return the embedding of one text, and its token vectors if they are asked for."""
    embedding: Any = vector.tolist()
    if wanted.encoding == "base64":
        embedding = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    if not (wanted.token_vectors and tokens):
        return {"embedding": embedding}
    return {"embedding": embedding, "token_vectors": base64.b64encode(tokens).decode()}


def _wanted(body: Mapping[str, Any]) -> _Wanted:
    texts = texts_in(body, "input")
    input_type = body.get("input_type") or "document"
    if input_type not in ("query", "document"):
        raise ValueError(f"input_type is {input_type!r}; use query or document")
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise ValueError(f"encoding_format is {encoding!r}; use float or base64")
    token_vectors = body.get("token_vectors", False)
    if not isinstance(token_vectors, bool):
        raise ValueError(f"token_vectors is {token_vectors!r}; use true or false")
    return _Wanted(
        texts=texts,
        input_type=cast(InputType, input_type),
        encoding=encoding,
        token_vectors=token_vectors,
    )


async def _models(request: Request) -> Response:
    model = {"id": _model(request.app.state.service), "object": "model"}
    return JSONResponse({"object": "list", "data": [{**model, "owned_by": "customrag"}]})


async def _tokenizer(request: Request) -> Response:
    service = cast(EmbeddingService, request.app.state.service)
    if service.encoder is None:
        raise _loading()
    try:
        content = await asyncio.to_thread(service.tokenizer, service.encoder)
    except ValueError as error:
        raise RefusedError(500, str(error), "server_error") from error
    # Every HTTP client decompresses it: 17 MB of a multilingual model become 5 MB.
    return Response(content, media_type="application/json", headers={"Content-Encoding": "gzip"})


async def _health(request: Request) -> Response:
    service = cast(EmbeddingService, request.app.state.service)
    if service.failure:
        return JSONResponse({"status": "failed", "reason": service.failure}, 503)
    if service.encoder is None:
        return JSONResponse({"status": "loading"}, 503)
    return JSONResponse(
        {
            "status": "ok",
            "model_version": service.settings.model_version,
            "dimension": service.encoder.dimension,
            "device": service.encoder.device,
        }
    )


async def _metrics(request: Request) -> Response:
    service = cast(EmbeddingService, request.app.state.service)
    lines = [f"customrag_embedding_{name}_total {n}" for name, n in service.counters.items()]
    lines.append(f"customrag_embedding_busy_seconds_total {service.busy_seconds:.3f}")
    waiting = 0 if service.queue is None else len(service.queue)
    lines.append(f"customrag_embedding_waiting_texts {waiting}")
    if (reranks := service.reranks) is not None:
        lines += [f"customrag_rerank_{name}_total {n}" for name, n in reranks.counters.items()]
        lines.append(f"customrag_rerank_busy_seconds_total {reranks.busy_seconds:.3f}")
        lines.append(f"customrag_rerank_waiting_documents {reranks.waiting}")
    return PlainTextResponse("\n".join(lines) + "\n")


def main() -> int:
    """Serve until a signal stops it; return 1 if the model cannot be loaded."""
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    settings = EmbeddingServiceSettings()
    service = EmbeddingService(settings)
    app = create_app(service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.bind_host,
            port=settings.port,
            log_level="warning",
            timeout_graceful_shutdown=10,
        )
    )
    app.state.on_failure = lambda: setattr(server, "should_exit", True)
    server.run()
    return 1 if service.failure or not server.started else 0


if __name__ == "__main__":
    sys.exit(main())
