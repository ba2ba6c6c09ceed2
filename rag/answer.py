"""From a question to an answer with its sources, as a stream of events.

Owns the order of the steps: find passages, judge whether they can hold the answer, ask the
language model or say that the documents do not have it, check what the model wrote. The sources
are sent before the model is asked, so they stay if the model fails.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum

from rag.analysis import content_weights
from rag.answerable import Evidence, judge, term_weights
from rag.clean import PieceCleaner
from rag.errors import GenerationError
from rag.generate import LanguageModel
from rag.hits import Hit
from rag.prompt import (
    ModelProfile,
    citations,
    in_short,
    is_refusal,
    is_supported,
    messages_for_passages,
    messages_for_quotes,
    not_in_documents,
)
from rag.quote import best_sentences, joined
from rag.retrieve import Retrieval, Retriever
from rag.sentences import sentence_spans

__all__ = ["MODEL_QUOTES", "Answerer", "Done", "Event", "Failed", "Sources", "State", "Token"]

MODEL_QUOTES = 2
"""The sentences that a small model gets: the more it reads, the more it mixes up."""


class State(StrEnum):
    """How a question ended.

    ANSWERED: the model answered from the passages. QUOTED: sentences of the passages are quoted,
    followed by the model's sentence if they support it. NOT_IN_DOCUMENTS: no passage has the
    answer.
    """

    ANSWERED = "answered"
    QUOTED = "quoted"
    NOT_IN_DOCUMENTS = "not_in_documents"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The passages found, best first; the first is [1]."""

    retrieval: Retrieval
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class Token:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """The end of an answer.

    Attributes:
        answer: The whole answer.
        state: How the question ended.
        citations: Numbers of the sources it cites, in order.
        quotes: Sentences quoted, by the number of their source.
        seconds: Since the question, by step.
    """

    answer: str
    state: State
    citations: tuple[int, ...]
    quotes: tuple[tuple[int, str], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A service failed after the sources were sent.

    Attributes:
        code: Which, for example `model_failed`; the page has a sentence for each.
        message: What happened.
    """

    code: str
    message: str


Event = Sources | Token | Done | Failed


class Answerer:
    """Answers questions from one index.

    Args:
        retriever: Finds passages.
        model: Writes the answers.
        profile: The model's limits.
    """

    def __init__(self, retriever: Retriever, model: LanguageModel, profile: ModelProfile) -> None:
        self._retriever = retriever
        self._model = model
        self._profile = profile

    async def answer(self, question: str, top_k: int) -> AsyncGenerator[Event, None]:
        """Yield the events of one question: `Sources`, any `Token`, then `Done` or `Failed`.

        Raises:
            SearchIndexError: The search failed.
            EmbeddingError: The embedding service failed.
        """
        started = time.monotonic()
        language = await self._retriever.language_of(question)
        retrieval, (total, counts) = await asyncio.gather(
            self._retriever.retrieve(question, top_k),
            self._retriever.document_counts(list(content_weights(question, language))),
        )
        evidence = judge(
            question,
            language,
            retrieval.hits,
            total,
            counts,
            cosine_counts=retrieval.meta.knows(language),
        )
        seconds = {"retrieval": retrieval.seconds}
        yield Sources(retrieval=retrieval, evidence=evidence)
        if not retrieval.hits or not evidence.answerable:
            sentence = not_in_documents(question)
            yield Token(text=sentence)
            seconds["total"] = time.monotonic() - started
            yield Done(
                answer=sentence,
                state=State.NOT_IN_DOCUMENTS,
                citations=(),
                seconds=seconds,
            )
            return
        if self._profile.quotes:
            weights = term_weights(question, language, total, counts)
            events = self._quote(question, language, retrieval.hits, weights)
        else:
            events = self._write(question, retrieval.hits)
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Token):
                        seconds.setdefault("first_token", time.monotonic() - started)
                    else:
                        event.seconds.update(seconds, total=time.monotonic() - started)
                    yield event
        except GenerationError as error:
            yield Failed(code="model_failed", message=str(error))

    async def _write(
        self, question: str, hits: Sequence[Hit]
    ) -> AsyncGenerator[Token | Done, None]:
        messages = messages_for_passages(question, hits, self._profile)
        parts: list[str] = []
        async with aclosing(self._stream(messages)) as stream:
            async for part in stream:
                parts.append(part)
                yield Token(text=part)
        answer = "".join(parts).strip()
        if not answer:
            raise GenerationError(
                f"The language model {self._model.name!r} returned an empty answer. Ask again."
            )
        refused = is_refusal(answer)
        yield Done(
            answer=answer,
            state=State.NOT_IN_DOCUMENTS if refused else State.ANSWERED,
            citations=() if refused else tuple(citations(answer, len(hits))),
        )

    async def _quote(
        self, question: str, language: str, hits: Sequence[Hit], weights: dict[str, float]
    ) -> AsyncGenerator[Token | Done, None]:
        meta, embedder = await self._retriever.resolve()
        best = await best_sentences(
            question, hits, weights, embedder, cosine_counts=meta.knows(language)
        )
        quotes = joined(best, hits)
        text = " ".join(f"“{quote.shown}” [{quote.number}]" for quote in quotes)
        yield Token(text=text)
        texts = [quote.shown for quote in best[:MODEL_QUOTES]]
        sentence = await self._one_sentence(messages_for_quotes(question, texts))
        if is_supported(sentence, texts, question, language) and not is_refusal(sentence):
            addition = f"\n\n{in_short(question)}{sentence}"
            yield Token(text=addition)
            text += addition
        yield Done(
            answer=text,
            state=State.QUOTED,
            citations=tuple(citations(text, len(hits))),
            quotes=tuple((quote.number, quote.text) for quote in quotes),
        )

    async def _one_sentence(self, messages: Sequence[dict[str, str]]) -> str:
        """Return the model's answer up to the end of its first sentence."""
        answer = ""
        async with aclosing(self._stream(messages)) as stream:
            async for part in stream:
                answer += part
                spans = sentence_spans(answer)
                if len(spans) > 1:
                    return answer[slice(*spans[0])]
        return answer.strip()

    async def _stream(self, messages: Sequence[dict[str, str]]) -> AsyncGenerator[str, None]:
        cleaner = PieceCleaner()
        pieces = self._model.stream(messages, self._profile.answer_tokens)
        async with aclosing(pieces):
            async for piece in pieces:
                if cleaned := cleaner.add(piece):
                    yield cleaned
        if rest := cleaner.end():
            yield rest
