"""Streams answers of a language model from an OpenAI-compatible endpoint.

Owns the connection, its timeouts, and the error messages. Does not own the prompt (`rag.prompt`).
DashScope's endpoint: https://help.aliyun.com/zh/model-studio/ (compatible
mode, read 2026-11).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import openai

from rag.errors import GenerationError
from rag.prompt import TEMPERATURE

__all__ = ["LanguageModel", "OpenAIModel"]

_Answer = TypeVar("_Answer")


class LanguageModel(Protocol):
    """Continues a conversation."""

    name: str

    def stream(
        self, messages: Sequence[dict[str, str]], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        """Yield the pieces of the answer as they arrive.

        Raises:
            GenerationError: The model failed, or did not answer in time.
        """
        ...

    async def check(self) -> None:
        """Check that the endpoint answers and has the model.

        Raises:
            GenerationError: It does not answer, or does not have the model.
        """
        ...


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        base_url: The endpoint, up to and including ``/v1``.
        name: The model's name there.
        api_key: Its key.
        renew: Takes the key that the endpoint refused and returns another, or None if there is no
            other. The client repeats the refused request once.
        timeout_seconds: Longest wait for the next piece of an answer.
    """

    def __init__(
        self,
        base_url: str,
        name: str,
        api_key: str,
        *,
        renew: Callable[[str], Awaitable[str | None]] | None = None,
        timeout_seconds: float = 120.0,
    ) -> None:
        self.name = name
        self._renew = renew
        self._base_url = base_url
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            timeout=openai.Timeout(timeout_seconds, connect=5.0),
            max_retries=2,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def stream(
        self, messages: Sequence[dict[str, str]], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        """Yield the pieces of the answer; closing the iterator early ends the request."""
        wire: Any = list(messages)
        try:
            answer = await self._with_key(
                lambda: self._client.chat.completions.create(
                    model=self.name,
                    messages=wire,
                    temperature=TEMPERATURE,
                    max_tokens=max_tokens,
                    stream=True,
                )
            )
            async with answer:
                async for event in answer:
                    if event.choices and event.choices[0].delta.content:
                        yield event.choices[0].delta.content
        except openai.APIError as error:
            raise GenerationError(self._explain(error)) from error

    async def check(self) -> None:
        """Check that the endpoint answers and has the model."""
        try:
            models = await self._with_key(
                lambda: self._client.with_options(timeout=5.0, max_retries=0).models.list()
            )
        except openai.NotFoundError:
            return
        except openai.APIError as error:
            raise GenerationError(self._explain(error)) from error
        names = [model.id for model in models.data]
        if names and self.name not in names:
            raise GenerationError(
                f"The language model endpoint {self._base_url} has no model {self.name!r}. "
                f"It has {', '.join(sorted(names)[:10])}."
            )

    async def _with_key(self, request: Callable[[], Awaitable[_Answer]]) -> _Answer:
        shown = self._client.api_key
        try:
            return await request()
        except openai.AuthenticationError:
            other = await self._renew(shown) if self._renew is not None else None
            if other is None:
                raise
            self._client.api_key = other
            return await request()

    def _explain(self, error: openai.APIError) -> str:
        where = f"The language model {self.name!r} at {self._base_url}"
        if isinstance(error, openai.APITimeoutError):
            return f"{where} did not answer in time."
        if isinstance(error, openai.APIConnectionError):
            return f"{where} cannot be reached."
        if isinstance(error, openai.AuthenticationError):
            return f"{where} refuses the key."
        if isinstance(error, openai.RateLimitError):
            return f"{where} is busy: {error.message}"
        return f"{where} failed: {error.message}"
