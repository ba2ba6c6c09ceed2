"""The examples of a tuning: a question with its passage as the application asks it, and the answer.

Owns the prompts, the duplicates, the limit on the number of examples, and the check that nothing
that measures is trained on. Does not own the prompts' words (`rag.prompt`), the choice of
sentences (`rag.quote`), or which passages answer a question (`training.data`). Loads no model.

A small model gets sentences in the application (`ModelProfile.quotes`), so it gets sentences here:
those of the passage that have the answer, and the nearest other one. A larger model gets passages:
the one with the answer between two others, and cites it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rag.analysis import content_weights
from rag.answer import MODEL_QUOTES
from rag.answerable import term_weights
from rag.embedder import InputType
from rag.hits import Hit
from rag.language import detect
from rag.prompt import ModelProfile, messages_for_passages, messages_for_quotes
from rag.quote import best_sentences
from rag.sentences import sentence_spans
from training.data import TrainingData
from training.examples import HeldOut, Pair, Passage, hash_of

__all__ = ["Example", "LlmData", "build_examples", "fold", "without_leaks", "write_chatml"]

_PASSAGES = 3
"""Passages in the prompt of a model that reads passages."""

Message = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One question as the application asks it.

    Attributes:
        question: The question.
        prompt: The messages before the answer.
        target: The answer that the model learns to write.
        gold: The answer to compare with: `target` without citations.
    """

    question: str
    prompt: tuple[Message, ...]
    target: str
    gold: str

    def messages(self) -> list[Message]:
        """Return the whole conversation, in ChatML's form."""
        return [*self.prompt, {"role": "assistant", "content": self.target}]

    @property
    def user(self) -> str:
        """The text that the model reads: passage and question."""
        return self.prompt[-1]["content"]


@dataclass(frozen=True, kw_only=True)
class LlmData:
    """What a tuning learns from and is measured on.

    Attributes:
        train: To train on.
        validation: To choose the model by; of the train split, not trained on.
        test: To report.
        problems: A line for each question that was skipped.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    problems: tuple[str, ...]

    def fingerprint(self) -> str:
        """Return the SHA-256 of all examples."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            for example in part:
                digest.update(json.dumps(example.messages(), ensure_ascii=False).encode() + b"\0")
            digest.update(b"\1")
        return digest.hexdigest()


def build_examples(
    data: TrainingData, profile: ModelProfile, *, seed: int, max_examples: int = 0
) -> LlmData:
    """Return the examples of a corpus.

    Args:
        data: The corpus; its pairs must come from questions to give any examples.
        profile: The model's limits, which choose the form of the prompt.
        seed: Of the other passages in a prompt.
        max_examples: Train on at most this many, chosen by a hash of the question; 0 for all.
    """
    if data.source != "questions":
        return LlmData(train=(), validation=(), test=(), problems=())
    writer = _Writer(data.passages, profile, seed)
    problems: list[str] = []
    test = _unique(map(writer.example, data.held_out), "test", problems)
    validation = without_leaks(
        _unique(map(writer.example, data.validation), "validation", problems),
        test,
        "the test split",
        problems,
    )
    train = _unique(map(writer.example, data.pairs), "train", problems)
    train = without_leaks(train, test, "the test split", problems)
    train = without_leaks(train, validation, "the validation", problems)
    if max_examples and len(train) > max_examples:
        order = sorted(train, key=lambda example: hash_of(f"{seed} {example.user}"))
        drawn = {example.user for example in order[:max_examples]}
        train = [example for example in train if example.user in drawn][:max_examples]
    return LlmData(
        train=tuple(train),
        validation=tuple(validation),
        test=tuple(test),
        problems=tuple(problems),
    )


def fold(text: str) -> str:
    """Return a text without case, punctuation and white space, to compare questions by."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in folded if c.isalnum())


def without_leaks(
    examples: Iterable[Example], measured: Iterable[Example], where: str, problems: list[str]
) -> list[Example]:
    """Return the examples that share no question, and no prompt, with those that measure.

    Args:
        examples: To train on or to choose by.
        measured: What must not be among them.
        where: A description of `measured`.
        problems: Receives a line for each example that is left out.
    """
    measured = list(measured)
    questions = {fold(example.question) for example in measured}
    prompts = {fold(example.user) for example in measured}
    kept = []
    for example in examples:
        if fold(example.question) in questions:
            same = "asks the same question"
        elif fold(example.user) in prompts:
            same = "has the same passage and question"
        else:
            kept.append(example)
            continue
        problems.append(f"question {example.question!r}: left out, because {where} {same}")
    return kept


def write_chatml(path: Path, examples: Iterable[Example]) -> None:
    """Write examples as JSON Lines of ChatML, ``{"messages": [{"role", "content"}…]}``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        json.dumps({"messages": example.messages()}, ensure_ascii=False) for example in examples
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _unique(examples: Iterable[Example | None], split: str, problems: list[str]) -> list[Example]:
    """Return the examples that exist, each question with the same answer once."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for example in examples:
        if example is None:
            continue
        key = fold(example.question), fold(example.gold)
        if key in seen:
            problems.append(
                f"question {example.question!r}: the {split} questions have it twice, with the "
                f"same answer"
            )
            continue
        seen.add(key)
        kept.append(example)
    return kept


class _Writer:
    """Writes the prompt of each question."""

    def __init__(self, passages: Sequence[Passage], profile: ModelProfile, seed: int) -> None:
        self._passages = passages
        self._profile = profile
        self._seed = seed
        self._by_document: dict[str, list[int]] = {}
        self._counts: Counter[str] = Counter()
        for position, passage in enumerate(passages):
            self._by_document.setdefault(passage.document, []).append(position)
            if profile.quotes:
                self._counts.update(content_weights(passage.text, passage.language))

    def example(self, asked: Pair | HeldOut) -> Example | None:
        """Return the example of a question; None without an answer."""
        if not asked.answer.strip() or not asked.relevant:
            return None
        gold = asked.answer.strip()
        position = self._gold_passage(asked.relevant, gold)
        if self._profile.quotes:
            prompt = messages_for_quotes(asked.query, self._quotes(asked.query, position, gold))
            target = gold
        else:
            hits, number = self._hits(asked, position, gold)
            prompt = messages_for_passages(asked.query, hits, self._profile)
            target = f"{gold} [{number}]"
        return Example(question=asked.query, prompt=tuple(prompt), target=target, gold=gold)

    def _gold_passage(self, relevant: Iterable[int], gold: str) -> int:
        """Return the passage with the answer in which it is farthest from the edges."""

        def room(position: int) -> tuple[int, int]:
            text = self._passages[position].text
            at = text.find(gold)
            return (min(at, len(text) - at - len(gold)) if at >= 0 else -1, -position)

        return max(relevant, key=room)

    def _quotes(self, question: str, position: int, gold: str) -> list[str]:
        """Return the sentences with the answer, and the nearest others up to what is served."""
        passage = self._passages[position]
        at = max(0, passage.text.find(gold))
        end = at + len(gold)
        with_answer = [
            passage.text[start:stop]
            for start, stop in sentence_spans(passage.text)
            if start < end and at < stop
        ] or [gold]
        language = detect(question, {passage.language, "en"})
        best = asyncio.run(
            best_sentences(
                question,
                [_hit(passage)],
                term_weights(question, language, len(self._passages), self._counts),
                _NoEmbedder(),
                cosine_counts=False,
            )
        )
        others = [quote.shown for quote in best if not (quote.start < end and at < quote.end)]
        others = others[: max(0, MODEL_QUOTES - len(with_answer))]
        first = bool(best) and best[0].start < end and at < best[0].end
        return [*with_answer, *others] if first else [*others, *with_answer]

    def _hits(self, asked: Pair | HeldOut, position: int, gold: str) -> tuple[list[Hit], int]:
        """Return the passages of a prompt, and the number of the one with the answer."""
        draw = random.Random(f"{self._seed} {asked.query}")  # noqa: S311  # no secret
        near = self._by_document[self._passages[position].document]
        for candidates in (near, range(len(self._passages))):
            others = [
                i
                for i in candidates
                if i not in asked.relevant and gold not in self._passages[i].text
            ]
            if len(others) >= _PASSAGES - 1:
                break
        chosen = draw.sample(others, min(_PASSAGES - 1, len(others)))
        number = draw.randrange(len(chosen) + 1)
        chosen.insert(number, position)
        return [_hit(self._passages[i]) for i in chosen], number + 1


def _hit(passage: Passage) -> Hit:
    return Hit(
        chunk_id=f"{passage.document}#{passage.number}",
        score=1.0,
        cosine=None,
        bm25=None,
        document_key=passage.document,
        uri=passage.document,
        title=passage.title,
        heading=passage.heading,
        text=passage.text,
        start_offset=passage.start,
        end_offset=passage.end,
        chunk_number=passage.number,
        chunk_count=passage.number + 1,
        language=passage.language,
    )


class _NoEmbedder:
    """Stands in where sentences are chosen by their words alone."""

    async def embed(self, texts: Sequence[str], input_type: InputType) -> NoReturn:
        raise NotImplementedError

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> NoReturn:
        raise NotImplementedError

    async def relevance(self, question: str, texts: Sequence[str]) -> NoReturn:
        raise NotImplementedError

    async def token_measure(self) -> NoReturn:
        raise NotImplementedError
