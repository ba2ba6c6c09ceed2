"""Requests and errors of DashScope's OpenAI-compatible chat endpoint.

Owns: the fields of a chat request, the error envelope and its codes. It does not answer requests.

Source: https://help.aliyun.com/zh/model-studio/qwen-api-via-openai-chat-completions and
…/error-code (read 2026-11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic

from localcloud.dashscope.generation import Message, Sampling
from localcloud.dashscope.models import MODELS, ServedModel

__all__ = ["ApiError", "ChatRequest", "parse_chat_request"]


class ApiError(Exception):
    """An error response.

    Attributes:
        status: HTTP status.
        code: DashScope's error code.
        kind: Its error type.
        param: The field that is not valid; None when the error is not about a field.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.kind = kind
        self.param = param

    def envelope(self, request_id: str) -> dict[str, Any]:
        """Return the body, as the compatible endpoint sends it."""
        return {
            "error": {
                "message": str(self),
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            },
            "request_id": request_id,
        }


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """A valid chat request.

    Attributes:
        model: The model that answers.
        messages: The conversation.
        sampling: How to choose tokens.
        stream: Whether to send pieces as they come.
        include_usage: Whether the stream ends with a chunk of token counts.
    """

    model: ServedModel
    messages: tuple[Message, ...]
    sampling: Sampling
    stream: bool
    include_usage: bool


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Message(_Strict):
    role: Literal["system", "user", "assistant"]
    content: str


class _StreamOptions(_Strict):
    include_usage: bool = False


class _Body(_Strict):
    """The supported fields; null means the same as a missing field."""

    model: str
    messages: Annotated[list[_Message], pydantic.Field(min_length=1)]
    temperature: Annotated[float, pydantic.Field(ge=0, lt=2)] | None = None
    top_p: Annotated[float, pydantic.Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, pydantic.Field(ge=1)] | None = None
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**63)] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None


def parse_chat_request(body: Any) -> ChatRequest:
    """Check the body of a chat request.

    Raises:
        ApiError: 404 ``model_not_found``, or 400 ``invalid_parameter_error`` with the field.
    """
    try:
        given = _Body.model_validate(body)
    except pydantic.ValidationError as error:
        raise _refusal(error) from error
    model = MODELS.get(given.model)
    if model is None:
        raise ApiError(
            404,
            "model_not_found",
            f"The model `{given.model}` does not exist or you do not have access to it. Served "
            f"here: {', '.join(MODELS)}.",
        )
    if given.max_tokens is not None and given.max_tokens >= model.context_tokens:
        raise _invalid(
            f"max_tokens is {given.max_tokens}; it must be less than {model.context_tokens}",
            "max_tokens",
        )
    if given.stream_options and not given.stream:
        raise _invalid("stream_options is only allowed with stream: true", "stream_options")
    return ChatRequest(
        model=model,
        messages=tuple(Message(item.role, item.content) for item in given.messages),
        sampling=Sampling(
            temperature=model.temperature if given.temperature is None else given.temperature,
            top_p=given.top_p or model.top_p,
            seed=given.seed,
            max_tokens=given.max_tokens or model.default_max_tokens,
        ),
        stream=bool(given.stream),
        include_usage=bool(given.stream_options and given.stream_options.include_usage),
    )


def _refusal(error: pydantic.ValidationError) -> ApiError:
    """Return the error for the first field that is not valid."""
    found = error.errors(include_url=False)[0]
    if not found["loc"]:
        return _invalid("the body must be a JSON object", None)
    field, supported = ".".join(map(str, found["loc"])), ", ".join(_Body.model_fields)
    reasons = {
        "extra_forbidden": f"is not supported by the local model endpoint; use {supported}",
        "missing": "is missing",
    }
    reason = reasons.get(found["type"], f"is {found['input']!r}: {found['msg']}")
    return _invalid(f"{field} {reason}", str(found["loc"][0]))


def _invalid(message: str, param: str | None) -> ApiError:
    return ApiError(400, "invalid_parameter_error", message, param=param)
