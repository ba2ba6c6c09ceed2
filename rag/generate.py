"""Asking a language model behind an OpenAI-compatible endpoint, piece by piece.

Owns the connection, its timeouts, and what is said when the model fails. Does not own what is
asked (`rag.prompt`). DashScope's endpoint: https://help.aliyun.com/zh/model-studio/ (compatible
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
    """What continues a conversation."""

    name: str

    def stream(
        self, messages: Sequence[dict[str, str]], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        """The answer's pieces as they come.

        Raises:
            GenerationError: The model failed, or did not answer in time.
        """
        ...

    async def check(self) -> None:
        """Whether the endpoint answers and has the model.

        Raises:
            GenerationError: It does not.
        """
        ...


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        base_url: The endpoint, up to and including ``/v1``.
        name: The model's name there.
        api_key: Its key.
        renew: Asked for another key when the endpoint refused one, with the one that it refused;
            None where there is no other. A request that was refused is made once more.
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
        """As `LanguageModel.stream`; an iterator that is closed early ends the request."""
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
        """As `LanguageModel.check`."""
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
                f"the language model endpoint {self._base_url} has no model {self.name!r}; "
                f"it has {', '.join(sorted(names)[:10])}"
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
        where = f"the language model {self.name!r} at {self._base_url}"
        if isinstance(error, openai.APITimeoutError):
            return f"{where} did not answer in time"
        if isinstance(error, openai.APIConnectionError):
            return f"{where} cannot be reached"
        if isinstance(error, openai.AuthenticationError):
            return f"{where} refuses the key"
        if isinstance(error, openai.RateLimitError):
            return f"{where} is busy: {error.message}"
        return f"{where} failed: {error.message}"
