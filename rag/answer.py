"""From a question to an answer with its sources, as a stream of events.

Owns the order of the steps: find passages, judge whether they can hold the answer, ask the
language model or say that the documents do not have it, check what the model wrote. The sources
are sent before the model is asked, so they stay if the model fails.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from rag.analysis import content_terms, numbers, terms
from rag.answerable import Evidence, judge, term_weights
from rag.clean import PieceCleaner
from rag.columns import columns_of, is_rule
from rag.embed import Embedder
from rag.errors import GenerationError
from rag.generate import LanguageModel
from rag.prompt import (
    NOT_IN_DOCUMENTS,
    ModelProfile,
    citations,
    is_refusal,
    is_supported,
    messages_for_passages,
    messages_for_quotes,
)
from rag.retrieve import Hit, Retrieval, Retriever
from rag.sentences import sentence_spans

__all__ = ["Answerer", "Done", "Event", "Failed", "Sources", "State", "Token"]

_QUOTED_PASSAGES = 4
_QUOTES = 2
_SHORTEST_SENTENCE = 15
_MOST_SENTENCES = 48
_COVERAGE_WEIGHT = 0.5
_RANK_WEIGHT = 0.1
_CODE_WEIGHT = 0.3
_LIST_MARK = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"#{1,6}\s[^\n]*$")


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


@dataclass(frozen=True, kw_only=True)
class _Quote:
    number: int
    text: str
    place: int
    columns: str = ""

    @property
    def shown(self) -> str:
        """The text, after the columns' names of a table row."""
        return f"{self.columns}: {self.text}" if self.columns else self.text


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
            self._retriever.document_counts(content_terms(question, language)),
        )
        evidence = judge(question, language, retrieval.hits, total, counts)
        seconds = {"retrieval": retrieval.seconds}
        yield Sources(retrieval=retrieval, evidence=evidence)
        if not retrieval.hits or not evidence.answerable:
            yield Token(text=NOT_IN_DOCUMENTS)
            seconds["total"] = time.monotonic() - started
            yield Done(
                answer=NOT_IN_DOCUMENTS,
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
        _, embedder = await self._retriever.resolve()
        quotes = await _best_sentences(question, hits, weights, embedder)
        texts = [quote.shown for quote in quotes]
        text = " ".join(f"“{quote.shown}” [{quote.number}]" for quote in quotes)
        yield Token(text=text)
        sentence = await self._one_sentence(messages_for_quotes(question, texts))
        if is_supported(sentence, texts, question, language) and not is_refusal(sentence):
            addition = f"\n\nIn short: {sentence}"
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


async def _best_sentences(
    question: str, hits: Sequence[Hit], weights: dict[str, float], embedder: Embedder
) -> list[_Quote]:
    """Return the sentences closest to the question; those of one passage in its order.

    Closeness is the sum of the cosine, the share of the question's words and of its codes (W3, 24V)
    that the sentence has, and a small part of its passage's rank. On the sample's 125 questions the
    best two have the answer in 74 %, measured before codes counted.
    """
    quotes = [
        _Quote(
            number=number,
            text=text,
            place=place,
            columns=columns_of(hit.text, place, place + len(text), hit.table_header),
        )
        for number, hit in enumerate(hits[:_QUOTED_PASSAGES], start=1)
        for place, text in _sentences(hit.text)
    ][:_MOST_SENTENCES] or [_Quote(number=1, text=hits[0].text, place=0)]
    (asked,), vectors = await asyncio.gather(
        embedder.embed([question], "query"),
        embedder.embed([quote.shown for quote in quotes], "document"),
    )
    codes = numbers(question)
    whole = sum(weights.values()) or 1.0
    scores = vectors @ asked
    for index, quote in enumerate(quotes):
        present = set(terms(quote.shown, hits[quote.number - 1].language))
        covered = sum(weight for term, weight in weights.items() if term in present)
        scores[index] += _COVERAGE_WEIGHT * covered / whole
        scores[index] += _CODE_WEIGHT * len(codes & numbers(quote.text)) / max(1, len(codes))
        scores[index] += _RANK_WEIGHT * hits[quote.number - 1].score
    best = [quotes[i] for i in np.argsort(-scores, kind="stable")]
    distinct = list({quote.text: quote for quote in reversed(best)}.values())[::-1]
    chosen = distinct[:_QUOTES]
    passages = [quote.number for quote in chosen]
    return sorted(chosen, key=lambda quote: (passages.index(quote.number), quote.place))


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of each sentence to quote, without headings and list marks."""
    for start, end in sentence_spans(text):
        if mark := _LIST_MARK.match(text, start, end):
            start = mark.end()
        if is_rule(text[start:end]) or _HEADING.match(text, start, end):
            continue
        if end - start >= _SHORTEST_SENTENCE:
            yield start, text[start:end]
