"""Requests and errors of a service that speaks OpenAI's protocol.

Owns the limit of a body, and the shape of an error. Does not own what a body asks for
(`rag.serving`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_TEXTS",
    "RefusedError",
    "asked",
    "busy",
    "refused",
    "texts_in",
]

MAX_TEXTS = 2048
MAX_BODY_BYTES = 16 * 2**20
_RETRY_AFTER_SECONDS = 1

_T = TypeVar("_T")


class RefusedError(Exception):
    """A request that gets an error for an answer; `refused` sends it."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = headers


def busy(reason: str) -> RefusedError:
    """Return the error of a busy service, after which a client tries again."""
    retry = {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    return RefusedError(429, reason, "rate_limit_error", **retry)


async def refused(request: Request, error: Exception) -> Response:
    """Return the answer of a `RefusedError`; the application's handler of that exception."""
    found = cast(RefusedError, error)
    body = {"message": str(found), "type": found.kind, "param": None, "code": None}
    return JSONResponse({"error": body}, found.status, found.headers)


async def asked(request: Request, parse: Callable[[Mapping[str, Any]], _T]) -> _T:
    """Return what a request asks for, as `parse` reads it from the JSON object of the body.

    Args:
        request: The request.
        parse: Raises ValueError with what is allowed.

    Raises:
        RefusedError: The body is too large or not valid.
    """
    try:
        body = json.loads(await _body(request))
    except ValueError as error:
        raise RefusedError(400, f"the body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise RefusedError(400, "the body must be a JSON object")
    try:
        return parse(body)
    except ValueError as error:
        raise RefusedError(400, str(error)) from error


def texts_in(body: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts `name` of a body: one, or a list.

    Raises:
        ValueError: It is something else, or has too many texts.
    """
    found = body.get(name)
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} must be a string or a list of strings")
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise ValueError(f"{name} has {len(texts)} texts; the number must be 1 to {MAX_TEXTS}")
    return texts


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            message = f"the body is too large; the limit is {MAX_BODY_BYTES} bytes"
            raise RefusedError(413, message)
        parts.append(part)
    return b"".join(parts)
