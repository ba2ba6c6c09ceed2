"""The services that the application depends on, and their health."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from rag.answer import Answerer
from rag.embed import EmbeddingClient
from rag.engines.connect import connect
from rag.errors import EmbeddingError, RagError
from rag.generate import LanguageModel, OpenAIModel
from rag.hosted_reranker import HostedReranker
from rag.prompt import profile_of
from rag.rerank import (
    ChooseReranking,
    always,
    cross_encoder,
    late_interaction,
    no_reranking,
)
from rag.retrieve import Retriever
from rag.secret import HeldSecret
from rag.settings import AppSettings

__all__ = ["Services"]

_HEALTH_SECONDS = 2.0
_SEARCH_SECONDS = 15.0


@dataclass
class Services:
    """The application's dependencies, injected by `connect` or by a test.

    Attributes:
        retriever: Finds passages.
        answerer: Answers questions.
        model: The language model.
        closers: Called, in order, when the application ends.
    """

    retriever: Retriever
    answerer: Answerer
    model: LanguageModel
    closers: tuple[Callable[[], Awaitable[Any]], ...] = ()
    _health: tuple[float, dict[str, Any]] | None = field(default=None, repr=False)
    _checking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _ready: bool = field(default=False, repr=False)

    @classmethod
    def connect(cls, settings: AppSettings) -> Services:
        """Connect to the services that `settings` name. Only KMS is asked, for the secrets.

        Raises:
            SecretMissingError: A secret is not given, or KMS did not return it.
        """
        api_key = HeldSecret(
            lambda: settings.read(settings.llm_api_key, settings.llm_secret, "CUSTOMRAG_LLM")
        )
        engine = connect(settings, timeout_seconds=_SEARCH_SECONDS, max_retries=2)
        rerank, close_reranker = _reranker(settings, api_key)
        retriever = Retriever(engine, settings.index_alias, rerank=rerank)
        model = OpenAIModel(
            settings.llm_base_url,
            settings.llm_model,
            api_key.value,
            renew=api_key.renewed,
            timeout_seconds=settings.llm_timeout_seconds,
        )
        profile = profile_of(settings.llm_model, settings.llm_context_tokens)
        return cls(
            retriever=retriever,
            answerer=Answerer(retriever, model, profile),
            model=model,
            closers=(retriever.close, *close_reranker, model.close, engine.close),
        )

    async def close(self) -> None:
        """Close every connection."""
        for close in self.closers:
            await close()

    async def health(self) -> dict[str, Any]:
        """Check each dependency, at most every two seconds.

        Returns:
            ``{"status": "ok" | "unavailable", "checks": {name: {"ok", "detail"}}}``.
        """
        async with self._checking:
            if self._health is None or time.monotonic() - self._health[0] > _HEALTH_SECONDS:
                names = {"search": self._search, "embedding": self._embedding, "model": self._model}
                outcomes = await asyncio.gather(*(_check(check) for check in names.values()))
                checks = dict(zip(names, outcomes, strict=True))
                ok = all(outcome["ok"] for outcome in outcomes)
                report = {"status": "ok" if ok else "unavailable", "checks": checks}
                self._health = (time.monotonic(), report)
            return self._health[1]

    async def ready(self) -> bool:
        """Return whether every dependency has answered at least once since the start."""
        if not self._ready:
            self._ready = (await self.health())["status"] == "ok"
        return self._ready

    async def _search(self) -> str:
        meta, _ = await self.retriever.resolve()
        total, _ = await self.retriever.document_counts([])
        return f"{meta.index}: {total:,} passages"

    async def _embedding(self) -> str:
        _, embedder = await self.retriever.resolve()
        if not isinstance(embedder, EmbeddingClient):
            return "in this process"
        infos = await embedder.infos()
        detail = "; ".join(
            str(info)
            if isinstance(info, EmbeddingError)
            else f"{url}: {info.model_version}, {info.dimension} dimensions"
            for url, info in infos.items()
        )
        # One node that answers is enough; the detail names the others.
        if all(isinstance(info, EmbeddingError) for info in infos.values()):
            raise EmbeddingError(detail)
        return detail

    async def _model(self) -> str:
        await self.model.check()
        return self.model.name


def _reranker(
    settings: AppSettings, api_key: HeldSecret
) -> tuple[ChooseReranking, tuple[Callable[[], Awaitable[Any]], ...]]:
    """Return the choice of a reranker, and what closes it."""
    if settings.reranker == "none":
        return no_reranking, ()
    if settings.reranker == "lateInteraction":
        return late_interaction, ()
    if settings.reranker == "crossEncoder":
        return cross_encoder, ()
    hosted = HostedReranker(
        settings.reranker_base_url,
        settings.reranker_model,
        api_key.value,
        renew=api_key.renewed,
    )
    return always(hosted), (hosted.close,)


async def _check(check: Callable[[], Awaitable[str]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(8):
            return {"ok": True, "detail": await check()}
    except RagError as error:
        return {"ok": False, "detail": str(error)}
    except TimeoutError:
        return {"ok": False, "detail": "no answer within 8 s"}
