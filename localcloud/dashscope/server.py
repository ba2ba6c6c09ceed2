"""The HTTP routes of the local DashScope.

Owns: routes, the API key, answers and streams in OpenAI's form. It does not own the queue
(``worker.py``) or the fields of a request (``protocol.py``).

Source: see ``protocol.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from localcloud.dashscope.generation import ContextTooLongError, Piece
from localcloud.dashscope.models import MODELS
from localcloud.dashscope.protocol import ApiError, ChatRequest, parse_chat_request
from localcloud.dashscope.worker import Worker

__all__ = ["application"]

_PREFIX: Final = "/compatible-mode/v1"
_DISCONNECT_POLL_SECONDS: Final = 0.1
# The client is gone and never sees it; nginx logs this status in that case.
_READER_GONE: Final = 499
_NOT_SERVED: Final = (
    "is not served by the local DashScope; it serves "
    f"POST {_PREFIX}/chat/completions and GET {_PREFIX}/models"
)


def application(
    api_key: str,
    workers: Mapping[str, Worker],
    is_retired: Callable[[str], bool] = lambda _: False,
) -> Starlette:
    """Return the endpoint's application.

    Args:
        api_key: The key that callers must send.
        workers: By model name; the application starts and closes them.
        is_retired: Returns whether the model of this name is no longer served.
    """
    service = _Service(api_key, workers, is_retired)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for worker in workers.values():
            worker.start()
        try:
            yield
        finally:
            for worker in workers.values():
                worker.close()

    return Starlette(
        routes=[
            Route("/health", service.health, methods=["GET"]),
            Route(f"{_PREFIX}/models", service.models, methods=["GET"]),
            Route(f"{_PREFIX}/models/{{model}}", service.model, methods=["GET"]),
            Route(f"{_PREFIX}/chat/completions", service.chat, methods=["POST"]),
            Route("/{path:path}", service.elsewhere, methods=["GET", "POST", "PUT", "DELETE"]),
        ],
        exception_handlers={ApiError: _error_response},
        lifespan=lifespan,
    )


class _Service:
    def __init__(
        self, api_key: str, workers: Mapping[str, Worker], is_retired: Callable[[str], bool]
    ) -> None:
        self._api_key = api_key
        self._workers = workers
        self._is_retired = is_retired

    async def health(self, request: Request) -> Response:
        models = [
            {
                "id": name,
                "state": worker.state,
                "reason": worker.reason,
                "requests": worker.present,
            }
            for name, worker in self._workers.items()
        ]
        failed = any(item["state"] == "failed" for item in models)
        body = {"status": "failed" if failed else "ok", "models": models}
        return JSONResponse(body, status_code=500 if failed else 200)

    async def models(self, request: Request) -> Response:
        self._authenticate(request)
        names = await run_in_threadpool(self._served)
        return JSONResponse({"object": "list", "data": [_model_view(name) for name in names]})

    async def model(self, request: Request) -> Response:
        self._authenticate(request)
        name = request.path_params["model"]
        if name not in await run_in_threadpool(self._served):
            raise ApiError(404, "model_not_found", f"The model `{name}` does not exist.")
        return JSONResponse(_model_view(name))

    def _served(self) -> list[str]:
        return [name for name in MODELS if not self._is_retired(name)]

    async def elsewhere(self, request: Request) -> Response:
        self._authenticate(request)
        raise ApiError(404, "not_supported", f"{request.method} {request.url.path} {_NOT_SERVED}")

    async def chat(self, request: Request) -> Response:
        self._authenticate(request)
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise ApiError(400, "invalid_parameter_error", "the body is not JSON") from None
        chat = parse_chat_request(body)
        if await run_in_threadpool(self._is_retired, chat.model.model_id):
            raise ApiError(
                404, "model_not_found", f"The model `{chat.model.model_id}` does not exist."
            )
        pieces = self._workers[chat.model.model_id].answer(chat)
        answer_id = f"chatcmpl-{uuid.uuid4()}"
        if not chat.stream:
            return await _whole(request, chat, pieces, answer_id)
        # Errors before the first piece can still set the response's status.
        first = await _first(pieces)
        events = _events(chat, first, pieces, answer_id)
        return StreamingResponse(
            events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
        )

    def _authenticate(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            key.strip().encode(), self._api_key.encode()
        ):
            raise ApiError(401, "invalid_api_key", "Incorrect API key provided.")


async def _first(pieces: AsyncGenerator[Piece, None]) -> Piece | None:
    try:
        return await anext(pieces, None)
    except ContextTooLongError as error:
        raise ApiError(400, "context_length_exceeded", str(error), param="messages") from error


async def _whole(
    request: Request, chat: ChatRequest, pieces: AsyncGenerator[Piece, None], answer_id: str
) -> Response:
    collecting = asyncio.ensure_future(_collect(pieces))
    leaving = asyncio.ensure_future(_reader_leaves(request))
    try:
        await asyncio.wait({collecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not collecting.done():
            return Response(status_code=_READER_GONE)
        parts = collecting.result()
    finally:
        collecting.cancel()
        leaving.cancel()
        await asyncio.gather(collecting, leaving, return_exceptions=True)
    last = parts[-1]
    return JSONResponse(
        {
            **_head(chat, answer_id, "chat.completion"),
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "".join(piece.text for piece in parts),
                    },
                    "logprobs": None,
                    "finish_reason": last.finish_reason,
                }
            ],
            "usage": _usage(last),
        }
    )


async def _collect(pieces: AsyncGenerator[Piece, None]) -> list[Piece]:
    async with contextlib.aclosing(pieces):
        first = await _first(pieces)
        return [*([] if first is None else [first]), *[piece async for piece in pieces]]


async def _reader_leaves(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(_DISCONNECT_POLL_SECONDS)


async def _events(
    chat: ChatRequest, first: Piece | None, pieces: AsyncGenerator[Piece, None], answer_id: str
) -> AsyncIterator[str]:
    head = _head(chat, answer_id, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], reason: str | None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return f"data: {json.dumps({**head, 'choices': [choice], 'usage': None})}\n\n"

    async with contextlib.aclosing(pieces):
        yield chunk({"role": "assistant", "content": ""}, None)
        piece = first
        while piece is not None:
            if piece.text:
                yield chunk({"content": piece.text}, None)
            if piece.finish_reason is not None:
                yield chunk({"content": ""}, piece.finish_reason)
                if chat.include_usage:
                    closing = {**head, "choices": [], "usage": _usage(piece)}
                    yield f"data: {json.dumps(closing)}\n\n"
            piece = await anext(pieces, None)
        yield "data: [DONE]\n\n"


def _head(chat: ChatRequest, answer_id: str, kind: str) -> dict[str, Any]:
    return {
        "id": answer_id,
        "object": kind,
        "created": int(time.time()),
        "model": chat.model.model_id,
        "system_fingerprint": None,
    }


def _usage(piece: Piece) -> dict[str, Any]:
    return {
        "prompt_tokens": piece.prompt_tokens,
        "completion_tokens": piece.completion_tokens,
        "total_tokens": piece.prompt_tokens + piece.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": piece.cached_tokens},
    }


def _model_view(name: str) -> dict[str, Any]:
    model = MODELS[name]
    return {
        "id": name,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }


async def _error_response(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    headers = {"Retry-After": "1"} if error.status == 429 else {}
    return JSONResponse(
        error.envelope(str(uuid.uuid4())), status_code=error.status, headers=headers
    )
