"""Chooses the sentences of the passages that an answer quotes.

Owns the choice for small models, which are not trusted to write answers (`rag.prompt.PROFILES`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag.analysis import numbers, terms
from rag.columns import columns_of, is_rule
from rag.embedder import Embedder
from rag.hits import Hit
from rag.language import CJK
from rag.sentences import sentence_spans

__all__ = ["Quote", "best_sentences", "joined"]

_QUOTED_PASSAGES = 4
_MOST_SENTENCES = 48
_QUOTES = 16
_QUOTED_LETTERS = 2500
_MARGIN = 0.6
_MARGIN_OF_WORDS = 0.2
"""The most sentences that an answer quotes, how long they are together (a Chinese character counts
like three letters), and how much less than the best one a sentence may count; less where only words
count.

Chosen on train questions. They quote the whole answer to 112 of 137 questions held out of
covid-qa's training (with a tuned model; 1,555 characters on average), to 53 of 56 of the sample
(404), and to 243 of 250 of cmrc2018 (333; measured with twelve sentences)."""
_SHORTEST_SENTENCE = 15
"""A shorter one is a remnant of a table or of an abbreviation."""
_COVERAGE_WEIGHT = 0.3
_CONTEXT_WEIGHT = 0.3
_RANK_WEIGHT = 0.1
_CODE_WEIGHT = 0.3
_NEIGHBOR_LOSS = 0.2
"""What a sentence next to a quoted one counts less than that one."""
_BEFORE_WEIGHT = 0.3
"""Share of the sentence before in what a sentence counts, because an answer often follows the
sentence that repeats the question. The first one of a passage gets the passage's mean."""
_LIST_MARK = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"#{1,6}\s[^\n]*$")


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A sentence of a passage.

    Attributes:
        number: The passage's number, from 1 on.
        start: Where it starts in the passage's text.
        end: Where it ends.
        text: The text between.
        columns: The names of the columns of a table row; else empty.
    """

    number: int
    start: int
    end: int
    text: str
    columns: str = ""

    @property
    def shown(self) -> str:
        """The text, after the columns' names of a table row."""
        return f"{self.columns}: {self.text}" if self.columns else self.text


async def best_sentences(
    question: str,
    hits: Sequence[Hit],
    weights: Mapping[str, float],
    embedder: Embedder,
    *,
    cosine_counts: bool,
) -> list[Quote]:
    """Return the sentences closest to the question, the closest first.

    Closeness is the sum of the cosine, the share of the question's words that the sentence has,
    the share that it has together with the sentence before it, the share of the question's codes
    (W3, 24V), a small part of its passage's rank, and a share of the closeness of the sentence
    before it. A neighbor of a quoted sentence counts nearly as much as that one, because an answer
    often goes on there. The first passage is always quoted.

    Args:
        question: The question.
        hits: The passages, best first; not empty.
        weights: As from `rag.answerable.term_weights`.
        embedder: Embeds the question and the sentences.
        cosine_counts: Whether the embedding model knows the question's language.
    """
    quotes = [
        Quote(
            number=number,
            start=start,
            end=end,
            text=hit.text[start:end],
            columns=columns_of(hit.text, start, end, hit.table_header),
        )
        for number, hit in enumerate(hits[:_QUOTED_PASSAGES], start=1)
        for start, end in _sentences(hit.text)
    ][:_MOST_SENTENCES]
    if not quotes:
        return [Quote(number=1, start=0, end=len(hits[0].text), text=hits[0].text)]
    scores = _word_scores(question, hits, weights, quotes)
    if cosine_counts:
        (asked,), vectors = await asyncio.gather(
            embedder.embed([question], "query"),
            embedder.embed([quote.shown for quote in quotes], "document"),
        )
        scores += vectors @ asked
    margin = _MARGIN if cosine_counts else _MARGIN_OF_WORDS
    return [quotes[i] for i in _choose(quotes, _with_before(quotes, scores), margin)]


def _with_before(quotes: Sequence[Quote], scores: npt.NDArray[np.float64]) -> list[float]:
    """Add to each sentence's score a share of that of the sentence before it."""
    numbers = np.array([quote.number for quote in quotes])
    result = []
    for i, score in enumerate(scores):
        first = i == 0 or numbers[i - 1] != numbers[i]
        before = scores[numbers == numbers[i]].mean() if first else scores[i - 1]
        result.append(float(score + _BEFORE_WEIGHT * before))
    return result


def _choose(quotes: Sequence[Quote], scores: Sequence[float], margin: float) -> list[int]:
    """Return the positions of the sentences to quote, the best first.

    The passage that ranks first is always quoted: the searches, which read all of it, may know
    better than its sentences do one by one.
    """
    chosen: list[int] = []
    current = list(scores)
    room = _QUOTED_LETTERS

    def left(positions: Iterable[int]) -> list[int]:
        texts = {quotes[i].text for i in chosen}
        return [
            i
            for i in positions
            if quotes[i].text not in texts and (not chosen or _length(quotes[i].text) <= room)
        ]

    while len(chosen) < _QUOTES and (candidates := left(range(len(quotes)))):
        best = max(candidates, key=lambda i: current[i])
        if chosen and current[best] < scores[chosen[0]] - margin:
            break
        chosen.append(best)
        room -= _length(quotes[best].text)
        for near in (best - 1, best + 1):
            if 0 <= near < len(quotes) and quotes[near].number == quotes[best].number:
                current[near] = max(current[near], scores[best] - _NEIGHBOR_LOSS)
    # One sentence between two quoted ones belongs to what they say.
    chosen += left(
        i
        for i in range(1, len(quotes) - 1)
        if {i - 1, i + 1} <= {*chosen} and quotes[i - 1].number == quotes[i + 1].number
    )
    first = [i for i, quote in enumerate(quotes) if quote.number == 1]
    if first and not {quotes[i].text for i in first} & {quotes[i].text for i in chosen}:
        best = max(first, key=lambda i: scores[i])
        added = [i for i in (best, best + 1) if i in first]
        chosen = [*chosen[: _QUOTES - len(added)], *added]
    return chosen


def _word_scores(
    question: str, hits: Sequence[Hit], weights: Mapping[str, float], quotes: Sequence[Quote]
) -> npt.NDArray[np.float64]:
    """Return what the words of each of `quotes` count.

    Words and codes of a passage's title and heading count for each of its sentences, because a
    sentence about its subject rarely names it.
    """
    codes = numbers(question)
    whole = sum(weights.values()) or 1.0
    scores = np.zeros(len(quotes))
    above = {
        number: weights.keys() & set(terms(f"{hit.title}\n{hit.heading}", hit.language))
        for number, hit in enumerate(hits, start=1)
    }
    before: tuple[int, frozenset[str]] = (0, frozenset())
    for index, quote in enumerate(quotes):
        hit = hits[quote.number - 1]
        present = frozenset(weights.keys() & set(terms(quote.shown, hit.language)))
        present |= above[quote.number]
        context = present | (before[1] if before[0] == quote.number else frozenset())
        covered, around = (sum(weights[term] for term in found) for found in (present, context))
        scores[index] += _COVERAGE_WEIGHT * covered / whole + _CONTEXT_WEIGHT * around / whole
        named = numbers(f"{quote.text}\n{hit.title}\n{hit.heading}")
        scores[index] += _CODE_WEIGHT * len(codes & named) / max(1, len(codes))
        scores[index] += _RANK_WEIGHT * hit.score
        before = quote.number, present
    return scores


def joined(quotes: Sequence[Quote], hits: Sequence[Hit]) -> list[Quote]:
    """Return `quotes` with neighbors in one, by passage in the order of the best of each."""
    passages = list(dict.fromkeys(quote.number for quote in quotes))
    result: list[Quote] = []
    for quote in sorted(quotes, key=lambda q: (passages.index(q.number), q.start)):
        last = result[-1] if result else None
        text = hits[quote.number - 1].text
        if (
            last is not None
            and last.number == quote.number
            and last.end <= quote.start
            and not (last.columns or quote.columns)
            and re.fullmatch(r"[^\S\n]*\n?[^\S\n]*", text[last.end : quote.start])
        ):
            joined = text[last.start : quote.end]
            result[-1] = replace(last, end=quote.end, text=joined)
        else:
            result.append(quote)
    return result


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence to quote, without headings and list marks."""
    for start, end in sentence_spans(text):
        if mark := _LIST_MARK.match(text, start, end):
            start = mark.end()
        if is_rule(text[start:end]) or _HEADING.match(text, start, end):
            continue
        if _length(text[start:end]) >= _SHORTEST_SENTENCE:
            yield start, end


def _length(text: str) -> int:
    """Return the length of a text in letters, of which a Chinese character counts three."""
    return len(text) + 2 * len(CJK.findall(text))
