"""Requests and errors of DashScope's OpenAI-compatible chat endpoint.

Owns: the fields of a chat request, the error envelope and its codes. It does not answer requests.

Source: https://help.aliyun.com/zh/model-studio/qwen-api-via-openai-chat-completions,
…/error-code and …/partial-mode (read 2026-11).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from localcloud.dashscope.generation import Message, Sampling
from localcloud.dashscope.models import MODELS, ServedModel

__all__ = ["ApiError", "ChatRequest", "parse_chat_request"]

# Fields of OpenAI's or DashScope's endpoint, with the only values that mean the same here.
_WITHOUT_EFFECT: Final[Mapping[str, tuple[Any, ...]]] = {
    "enable_search": (False, None),
    "enable_thinking": (False, None),
    "logprobs": (False, None),
    "modalities": (["text"], None),
    "n": (1, None),
    "parallel_tool_calls": (False, True, None),
    "response_format": ({"type": "text"}, None),
    "store": (False, None),
    "tool_choice": ("none", "auto", None),
    "tools": ([], None),
}
_FREE: Final = frozenset({"metadata", "user"})
_READ: Final = frozenset(
    {
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "presence_penalty",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "top_k",
        "top_p",
    }
)
_ROLES: Final = ("system", "user", "assistant")
_MAX_STOPS: Final = 16


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
        messages: The conversation, without a partial last message.
        prefix: Text of a partial last message: the beginning of the answer.
        sampling: How to choose tokens.
        stream: Whether to send pieces as they come.
        include_usage: Whether the stream ends with a chunk of token counts.
    """

    model: ServedModel
    messages: tuple[Message, ...]
    prefix: str
    sampling: Sampling
    stream: bool
    include_usage: bool


def parse_chat_request(body: Any) -> ChatRequest:
    """Check the body of a chat request.

    Raises:
        ApiError: 404 ``model_not_found``, or 400 ``invalid_parameter_error`` with the field.
    """
    if not isinstance(body, dict):
        raise _invalid("the body must be a JSON object", None)
    model = _model(body.get("model"))
    _check_names(body)
    messages, prefix = _messages(body.get("messages"))
    stream = _boolean(body, "stream")
    options = body.get("stream_options") or {}
    if not isinstance(options, dict) or set(options) - {"include_usage"}:
        raise _invalid(
            f"stream_options is {options!r}; it may hold include_usage", "stream_options"
        )
    if options and not stream:
        raise _invalid("stream_options is only allowed with stream: true", "stream_options")
    return ChatRequest(
        model=model,
        messages=messages,
        prefix=prefix,
        sampling=_sampling(body, model),
        stream=stream,
        include_usage=_boolean(options, "include_usage"),
    )


def _model(name: Any) -> ServedModel:
    if not isinstance(name, str) or not name:
        raise _invalid(f"model is {name!r}; served here: {', '.join(MODELS)}", "model")
    if name not in MODELS:
        raise ApiError(
            404,
            "model_not_found",
            f"The model `{name}` does not exist or you do not have access to it. Served here: "
            f"{', '.join(MODELS)}.",
        )
    return MODELS[name]


def _check_names(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if name in _READ or name in _FREE:
            continue
        if name not in _WITHOUT_EFFECT:
            raise _invalid(f"{name} is not supported by the local model endpoint", name)
        if not any(value == allowed for allowed in _WITHOUT_EFFECT[name]):
            raise _invalid(
                f"{name} is {value!r}; the local model endpoint supports only "
                f"{_WITHOUT_EFFECT[name][0]!r}",
                name,
            )


def _messages(value: Any) -> tuple[tuple[Message, ...], str]:
    if not isinstance(value, list) or not value:
        raise _invalid("messages must be a list of at least one message", "messages")
    messages = [_message(item, index) for index, item in enumerate(value)]
    for index, item in enumerate(value):
        if item.get("partial") and (index != len(value) - 1 or item["role"] != "assistant"):
            raise _invalid(
                f"messages[{index}].partial is allowed only in a last message of role assistant",
                "messages",
            )
    if value[-1].get("partial"):
        return tuple(messages[:-1]), messages[-1].content
    return tuple(messages), ""


def _message(item: Any, index: int) -> Message:
    where = f"messages[{index}]"
    if not isinstance(item, dict):
        raise _invalid(f"{where} must be an object", "messages")
    unknown = sorted(set(item) - {"role", "content", "name", "partial"})
    if unknown:
        raise _invalid(f"{where} has {', '.join(unknown)}, which is not supported here", "messages")
    role = item.get("role")
    if role not in _ROLES:
        raise _invalid(f"{where}.role is {role!r}; allowed: {', '.join(_ROLES)}", "messages")
    content = item.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        if any(not isinstance(part, str) for part in parts):
            raise _invalid(f"{where}.content may hold parts of type text only", "messages")
        content = "".join(part for part in parts if isinstance(part, str))
    if not isinstance(content, str):
        raise _invalid(f"{where}.content must be text", "messages")
    return Message(role, content)


def _sampling(body: Mapping[str, Any], model: ServedModel) -> Sampling:
    tokens = body.get("max_completion_tokens")
    tokens = body.get("max_tokens") if tokens is None else tokens
    most = model.context_tokens - 1
    seed = _integer(body, "seed", None, 0, 2**63 - 1)
    return Sampling(
        temperature=_number(body, "temperature", model.temperature, 0.0, 2.0, below=True),
        top_p=_number(body, "top_p", model.top_p, 0.0, 1.0, above=True),
        top_k=_integer(body, "top_k", None, 1, 2**31),
        presence_penalty=_number(body, "presence_penalty", 0.0, -2.0, 2.0),
        frequency_penalty=_number(body, "frequency_penalty", 0.0, -2.0, 2.0),
        seed=seed,
        max_tokens=_integer({"max_tokens": tokens}, "max_tokens", None, 1, most)
        or model.default_max_tokens,
        stop=_stop(body.get("stop")),
    )


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    given = [value] if isinstance(value, str) else value
    if (
        not isinstance(given, list)
        or len(given) > _MAX_STOPS
        or any(not isinstance(item, str) or not item for item in given)
    ):
        raise _invalid(f"stop must be a text or a list of at most {_MAX_STOPS} texts", "stop")
    return tuple(given)


def _number(
    body: Mapping[str, Any],
    name: str,
    default: float,
    low: float,
    high: float,
    *,
    above: bool = False,
    below: bool = False,
) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(f"{name} is {value!r}; it must be a number", name)
    if value < low or value > high or (above and value == low) or (below and value == high):
        left, right = "(" if above else "[", ")" if below else "]"
        raise _invalid(f"{name} is {value}; it must be in {left}{low:g}, {high:g}{right}", name)
    return float(value)


def _integer(
    body: Mapping[str, Any], name: str, default: int | None, low: int, high: int
) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _invalid(f"{name} is {value!r}; it must be an integer from {low} to {high}", name)
    return value


def _boolean(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise _invalid(f"{name} is {value!r}; it must be true or false", name)
    return bool(value)


def _invalid(message: str, param: str | None) -> ApiError:
    return ApiError(400, "invalid_parameter_error", message, param=param)
