"""The application's routes.

    GET  /                 the page
    GET  /health           200 if every dependency answers, else 503; says which fail and why
    GET  /ready            503 until every dependency has answered once, from then on 200
    POST /api/ask          {"question", "top_k"?, "stream"?} -> JSON, or server-sent events
    GET  /api/passage      ?chunk_id=... -> the passage with the text around it

Events of a streamed answer: ``sources`` (passages found), ``token`` (a piece of text), then
``done`` (answer, state, citations) or ``error`` (code, message). Only the page is HTML, and its
content security policy allows no script except its own files. Behind an edge, every route except
/health and /ready requires the edge's key (`rag.app.gate`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import asdict
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from rag.answer import Done, Event, Failed, Sources, Token
from rag.app.gate import EdgeGate
from rag.app.services import Services
from rag.clean import clean_value
from rag.errors import EmbeddingError, PassageNotFoundError, RagError, SearchIndexError
from rag.hits import Hit
from rag.settings import AppSettings

__all__ = ["AskRequest", "create_app", "surroundings"]

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/messages.js": ("messages.js", "text/javascript; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_CODES: Mapping[type[Exception], str] = {
    EmbeddingError: "embedding_unavailable",
    SearchIndexError: "search_unavailable",
}


class AskRequest(BaseModel):
    """The body of a request to /api/ask.

    Attributes:
        question: 1 to 2,000 characters.
        top_k: Passages to retrieve, 1 to 50; default: the application's setting.
        stream: Answer in server-sent events. Default: one JSON object.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    question: Annotated[str, BeforeValidator(clean_value), Field(min_length=1, max_length=2000)]
    top_k: Annotated[int, Field(ge=1, le=50)] | None = None
    stream: bool = False


class _CleanJSONResponse(JSONResponse):
    """A response without half surrogate pairs, which no encoding takes."""

    def render(self, content: Any) -> bytes:
        return super().render(clean_value(content))


def create_app(
    services: Services, settings: AppSettings, edge_key: SecretStr | None = None
) -> FastAPI:
    """Create the application. With `edge_key`, only requests with that key are answered."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await services.close()

    app = FastAPI(title="customrag", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.services = services
    app.state.settings = settings
    app.state.slots = asyncio.Semaphore(settings.max_concurrent_questions)
    if edge_key is not None:
        app.add_middleware(EdgeGate, key=edge_key)
    app.middleware("http")(_security_headers)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RagError, _unavailable)
    for path, (name, media_type) in _FILES.items():
        app.add_api_route(path, _file(name, media_type), include_in_schema=False)
    app.add_api_route("/health", _health)
    app.add_api_route("/ready", _ready)
    app.add_api_route("/api/ask", _ask, methods=["POST"])
    app.add_api_route("/api/passage", _passage)
    return app


async def _security_headers(request: Request, call_next: Any) -> Response:
    response: Response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _file(name: str, media_type: str) -> Any:
    content = resources.files("rag.app").joinpath("static", name).read_bytes()

    async def serve() -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return serve


def _error(status: int, code: str, message: str, **more: Any) -> Response:
    return _CleanJSONResponse({"error": {"code": code, "message": message}, **more}, status)


def _code(error: Exception) -> str:
    """Return the code of an error that the services raise; the page has a sentence for each."""
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    return "failed"


async def _invalid(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(map(str, p['loc'][1:]))}: {p['msg']}" for p in problems)
    return _error(422, "not_valid", said or "The request is not valid.")


async def _unavailable(request: Request, error: Exception) -> Response:
    return _error(503, _code(error), str(error))


async def _health(request: Request) -> Response:
    report = await request.app.state.services.health()
    return _CleanJSONResponse(report, 200 if report["status"] == "ok" else 503)


async def _ready(request: Request) -> Response:
    """Tell the load balancer whether this node may get questions.

    A dependency that fails later does not take the node away, because all nodes share it: the page
    says what is wrong.
    """
    ready = await request.app.state.services.ready()
    return _CleanJSONResponse({"status": "ready" if ready else "starting"}, 200 if ready else 503)


async def _ask(request: Request, body: AskRequest) -> Response:
    services: Services = request.app.state.services
    slots: asyncio.Semaphore = request.app.state.slots
    if slots.locked():
        response = _error(
            503,
            "busy",
            "The application is answering as many questions as it can. Ask again in a few seconds.",
        )
        response.headers["Retry-After"] = "2"
        return response
    top_k = body.top_k or request.app.state.settings.top_k
    if body.stream:
        return StreamingResponse(
            _server_sent(services, slots, body.question, top_k),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    async with slots:
        return await _whole(services, body.question, top_k)


async def _whole(services: Services, question: str, top_k: int) -> Response:
    answer: dict[str, Any] = {}
    async for event in services.answerer.answer(question, top_k):
        if isinstance(event, Sources):
            answer = {"question": question, **_sources(event)}
        elif isinstance(event, Failed):
            return _error(502, event.code, event.message, **answer)
        elif isinstance(event, Done):
            answer |= _done(event)
    return _CleanJSONResponse(answer)


async def _server_sent(
    services: Services, slots: asyncio.Semaphore, question: str, top_k: int
) -> AsyncGenerator[str, None]:
    async with slots:
        try:
            async with aclosing(services.answerer.answer(question, top_k)) as events:
                async for event in events:
                    yield _wire(event)
        except (SearchIndexError, EmbeddingError) as error:
            yield _wire(Failed(code=_code(error), message=str(error)))


def _wire(event: Event) -> str:
    match event:
        case Sources():
            name, data = "sources", _sources(event)
        case Token():
            name, data = "token", {"text": event.text}
        case Done():
            name, data = "done", _done(event)
        case Failed():
            name, data = "error", {"code": event.code, "message": event.message}
    return f"event: {name}\ndata: {json.dumps(clean_value(data), ensure_ascii=False)}\n\n"


def _sources(event: Sources) -> dict[str, Any]:
    hits = event.retrieval.hits
    return {
        "index": event.retrieval.meta.index,
        "model_version": event.retrieval.meta.model_version,
        "reranker": event.retrieval.reranker,
        "evidence": {
            "coverage": round(event.evidence.coverage, 4),
            "cosine": round(event.evidence.cosine, 4),
        },
        "sources": [_source(number, hit) for number, hit in enumerate(hits, start=1)],
    }


def _source(number: int, hit: Hit) -> dict[str, Any]:
    source = asdict(hit)
    for name in ("score", "cosine", "bm25"):
        source[name] = None if source[name] is None else round(source[name], 4)
    return {"number": number, **source}


def _done(event: Done) -> dict[str, Any]:
    return {
        "answer": event.answer,
        "state": event.state.value,
        "citations": list(event.citations),
        "quotes": [{"number": number, "text": text} for number, text in event.quotes],
        "seconds": {name: round(value, 3) for name, value in event.seconds.items()},
    }


async def _passage(
    request: Request, chunk_id: Annotated[str, Query(min_length=1, max_length=200)]
) -> Response:
    services: Services = request.app.state.services
    try:
        hit, around = await services.retriever.passage(chunk_id)
    except PassageNotFoundError as error:
        return _error(404, "passage_not_found", str(error))
    before, after = surroundings(hit, around)
    passage = asdict(hit)
    for name in ("score", "cosine", "bm25"):
        del passage[name]
    return _CleanJSONResponse({**passage, "before": before, "after": after})


def surroundings(hit: Hit, around: list[Hit]) -> tuple[str, str]:
    """Return the text before and after a passage, from its neighbors in the document.

    Neighbors repeat some of the passage; that part is left out. A document has only white space
    between two passages; a blank line replaces it.
    """
    before = after = ""
    for other in around:
        if other.chunk_number == hit.chunk_number - 1:
            shared = other.end_offset - hit.start_offset
            before = other.text[: len(other.text) - shared] if shared > 0 else f"{other.text}\n\n"
        elif other.chunk_number == hit.chunk_number + 1:
            shared = hit.end_offset - other.start_offset
            after = other.text[shared:] if shared > 0 else f"\n\n{other.text}"
    return before, after
