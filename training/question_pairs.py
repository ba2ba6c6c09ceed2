"""Pairs and held-out queries from `questions.jsonl`. Pure.

Owns the split and which passages answer a question. Every question that is not used is reported
with the reason. Does not own what counts as the answer's text in a document (`rag.locate`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.corpus import Question, key_finder
from rag.locate import Searchable
from rag.metrics import relevant_chunks
from training.examples import HeldOut, Pair, Passage, hash_of

__all__ = ["QuestionPairs", "pairs_from_questions"]

_HELD_OUT_PERCENT = 20
_MIN_HELD_OUT = 5
"""With fewer test questions than this, some of the train split are held out instead."""
_VALIDATION_SHARE = 0.2
_VALIDATION_FEWEST = 50
"""Train questions to choose by: a fifth; at least this many, but at most a third."""


@dataclass(frozen=True, kw_only=True)
class QuestionPairs:
    """What the questions give.

    Attributes:
        pairs: To train on.
        validation: To choose the model and the weight of the searches by; from the train split.
        held_out: To measure on.
        split: A description of `held_out`.
    """

    pairs: list[Pair]
    validation: list[HeldOut]
    held_out: list[HeldOut]
    split: str


def pairs_from_questions(
    questions: Iterable[Question],
    passages: Sequence[Passage],
    texts: Mapping[str, str],
    listed: Iterable[str],
    problems: list[str],
    *,
    min_pairs: int,
) -> QuestionPairs:
    """Return the pairs and the validation of the train split, and the test split.

    Args:
        questions: The questions of the corpus.
        passages: Every passage, in order.
        texts: The text of each document that was read, by key.
        listed: The keys of all documents, also of those that were not read.
        problems: Receives a line for each question that is not used.
        min_pairs: Pairs that the validation must leave.
    """
    documents = _Documents(passages, texts, listed)
    train: list[tuple[Question, Pair]] = []
    test: list[tuple[Question, Pair]] = []
    for question in questions:
        found = documents.pair(question)
        if isinstance(found, str):
            problems.append(f"question {question.id!r}: {found}")
            continue
        (train if question.split == "train" else test).append((question, found))
    split = "test"
    if len(test) < _MIN_HELD_OUT:
        split = f"{_HELD_OUT_PERCENT} % of questions, by hash of the id"
        drawn = [hash_of(question.id) % 100 < _HELD_OUT_PERCENT for question, _ in train]
        test += [row for row, out in zip(train, drawn, strict=True) if out]
        train = [row for row, out in zip(train, drawn, strict=True) if not out]
    kept = _not_asked(train, test, problems)
    validation = _validation(kept, min_pairs)
    asked = {query.query for query in validation}
    return QuestionPairs(
        pairs=[pair for _, pair in kept if pair.query not in asked],
        validation=validation,
        held_out=[_held_out(pair) for _, pair in test],
        split=split,
    )


def _not_asked(
    train: Sequence[tuple[Question, Pair]],
    test: Sequence[tuple[Question, Pair]],
    problems: list[str],
) -> list[tuple[Question, Pair]]:
    """Return the train questions without those that `test` also asks."""
    asked = {pair.query: question.id for question, pair in test}
    problems += [
        f"question {question.id!r}: not trained on, because question {asked[pair.query]!r}, which "
        f"measures, asks the same"
        for question, pair in train
        if pair.query in asked
    ]
    return [row for row in train if row[1].query not in asked]


def _validation(train: Sequence[tuple[Question, Pair]], min_pairs: int) -> list[HeldOut]:
    """Return the train questions whose ids hash lowest; none if too few could choose anything."""
    most = min(len(train) // 3, len(train) - min_pairs)
    count = min(most, max(round(len(train) * _VALIDATION_SHARE), _VALIDATION_FEWEST))
    if count < _MIN_HELD_OUT:
        return []
    drawn = sorted(train, key=lambda row: hash_of(f"validation {row[0].id}"))[:count]
    asked = {pair.query for _, pair in drawn}
    return [_held_out(pair) for _, pair in train if pair.query in asked]


def _held_out(pair: Pair) -> HeldOut:
    return HeldOut(query=pair.query, relevant=pair.relevant, answer=pair.answer)


class _Documents:
    """The documents that questions refer to."""

    def __init__(
        self, passages: Sequence[Passage], texts: Mapping[str, str], listed: Iterable[str]
    ) -> None:
        self._texts = texts
        self._listed = sorted(listed)
        self._key = key_finder(self._listed)
        self._searchable: dict[str, Searchable] = {}
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._first: dict[str, int] = {}
        for position, passage in enumerate(passages):
            self._first.setdefault(passage.document, position)
            self._spans.setdefault(passage.document, []).append((passage.start, passage.end))

    def pair(self, question: Question) -> Pair | str:
        """Return the question with the passages that answer it, or why it cannot be used."""
        key = self._key(question.document)
        if key is None:
            near = difflib.get_close_matches(question.document, self._listed, n=1)
            hint = f"; the nearest name is {near[0]}" if near else ""
            return f"{question.document} is not among the documents{hint}"
        if key not in self._texts:
            return f"{key} was not read"
        if key not in self._searchable:
            self._searchable[key] = Searchable(self._texts[key])
        span = question.span(self._searchable[key])
        if span is None:
            return f"{key} does not have the answer {_short(question.answer)!r}"
        relevant = relevant_chunks(self._spans.get(key, []), *span)
        if not relevant:
            return "no chunk has the answer"
        offset = self._first[key]
        return Pair(
            query=question.question,
            relevant=frozenset(offset + at for at in relevant),
            answer=self._texts[key][span[0] : span[1]].strip(),
        )


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
