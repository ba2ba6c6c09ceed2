"""The data of a tuning: passages, training pairs and held-out queries.

Owns how a corpus becomes question-passage pairs. Chunks come from `rag.chunk` and relevance from
`rag.metrics`, so that training measures the same passages that the application searches. Reads
files and is pure otherwise; loads no model.

Two sources of pairs:
    questions   `questions.jsonl`: its train split is for training, its test split for measuring.
    documents   Without usable questions: headings, and sentences cut out of their own chunk (the
                inverse cloze task of Lee et al., 2019, arXiv:1906.00300). Whole documents are
                held out to measure on. A held-out sentence is cut out of the passage that it must
                find, because plain word overlap would answer every query otherwise.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag.chunk import chunk_document, embedding_text
from rag.corpus import Question, load_corpus
from rag.errors import CorpusError, ReadError
from rag.metrics import relevant_chunks
from rag.readers import read_document
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions

__all__ = ["HeldOut", "Pair", "Passage", "TrainingData", "load_training_data"]

_HELD_OUT_PERCENT = 20
_MIN_HELD_OUT = 5
"""With fewer test questions than this, some of the train split are held out instead."""
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")
_MIN_SENTENCE, _MAX_SENTENCE = 30, 300
_MIN_REST = 80
"""Characters that must be left of a chunk once a sentence is taken out of it."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One chunk of the corpus.

    Attributes:
        document: Key of its document.
        number: Its number in that document.
        start: Offset of its first character in the document's text.
        end: Offset after its last.
        heading: The section that it starts in.
        text: The text that is embedded for it.
    """

    document: str
    number: int
    start: int
    end: int
    heading: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A query, and the passages that answer it.

    Attributes:
        query: The question, heading or sentence.
        relevant: Positions of the passages that have the answer; never used as negatives.
        answer: The answer's text; may be empty. A passage that repeats it is never used as a
            negative.
        passage: The text to pair the query with. None: one of the relevant passages, unchanged.
    """

    query: str
    relevant: frozenset[int]
    answer: str = ""
    passage: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """A query to measure on, and the positions of the passages that answer it."""

    query: str
    relevant: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """A corpus, ready to train and measure on.

    Attributes:
        passages: Every chunk of the corpus.
        pairs: To train on.
        held_out: To measure on; `pairs` does not contain its queries.
        source: Where the pairs come from.
        held_out_split: A description of `held_out`, for the metrics.
        replaced: Text by position of passages that are measured without a held-out sentence.
        documents: Number of documents.
        set_aside: Documents and question lines that were skipped, with the reason.
    """

    passages: tuple[Passage, ...]
    pairs: tuple[Pair, ...]
    held_out: tuple[HeldOut, ...]
    source: Literal["questions", "documents"]
    held_out_split: str
    replaced: Mapping[int, str]
    documents: int
    set_aside: tuple[str, ...]

    def texts(self) -> list[str]:
        """Return the text of every passage to measure on."""
        return [self.replaced.get(i, p.text) for i, p in enumerate(self.passages)]

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything here that a result depends on."""
        digest = hashlib.sha256()
        for passage in self.texts():
            digest.update(passage.encode() + b"\0")
        for pair in self.pairs:
            row = (pair.query, sorted(pair.relevant), pair.answer, pair.passage)
            digest.update(repr(row).encode())
        for query in self.held_out:
            digest.update(repr((query.query, sorted(query.relevant))).encode())
        return digest.hexdigest()


def load_training_data(
    corpus_dir: str | Path,
    *,
    seed: int,
    min_pairs: int,
    options: ReadOptions = DEFAULT_OPTIONS,
    report: Callable[[str], None] = lambda line: None,
) -> TrainingData:
    """Read a corpus folder and build pairs from it.

    Args:
        corpus_dir: Folder with `docs/` and, perhaps, `questions.jsonl`.
        seed: Of the random choices from documents.
        min_pairs: With fewer train questions than this, the documents give the pairs.
        options: How documents are read.
        report: Receives one line for each skipped document or question.

    Raises:
        CorpusError: There are no documents, or none can be read.
    """
    problems: list[str] = []
    corpus = load_corpus(corpus_dir, set_aside=problems)
    passages: list[Passage] = []
    texts: dict[str, str] = {}
    for file in corpus.files:
        try:
            document = read_document(file.key, file.path, options=options)
        except ReadError as error:
            problems.append(str(error))
            continue
        texts[file.key] = document.text
        passages += [
            Passage(
                document=file.key,
                number=chunk.number,
                start=chunk.start,
                end=chunk.end,
                heading=chunk.heading,
                text=embedding_text(document.title, chunk),
            )
            for chunk in chunk_document(document)
        ]
    if not passages:
        raise CorpusError(
            f"None of the {len(corpus.files)} documents of {corpus.root} can be read. The first "
            f"reason is: {problems[0] if problems else 'no text'}. Put readable documents there."
        )
    pairs, held_out, split = _from_questions(corpus.questions, passages, texts, problems)
    source: Literal["questions", "documents"] = "questions"
    replaced: dict[int, str] = {}
    if len(pairs) < min_pairs or not held_out:
        made = _from_documents(passages, seed)
        if len(made[0]) > len(pairs):
            source, split = "documents", f"{_HELD_OUT_PERCENT} % of documents, by hash of the key"
            pairs, held_out, replaced = made
    for problem in problems:
        report(f"skipped: {problem}")
    return TrainingData(
        passages=tuple(passages),
        pairs=tuple(pairs),
        held_out=tuple(held_out),
        source=source,
        held_out_split=split,
        replaced=replaced,
        documents=len(texts),
        set_aside=tuple(problems),
    )


def _from_questions(
    questions: Iterable[Question],
    passages: Sequence[Passage],
    texts: Mapping[str, str],
    problems: list[str],
) -> tuple[list[Pair], list[HeldOut], str]:
    spans: dict[str, list[tuple[int, int]]] = {}
    first: dict[str, int] = {}
    for position, passage in enumerate(passages):
        first.setdefault(passage.document, position)
        spans.setdefault(passage.document, []).append((passage.start, passage.end))
    train: list[tuple[str, Pair]] = []
    test: list[tuple[str, Pair]] = []
    for question in questions:
        text = texts.get(question.document)
        span = question.span(text) if text is not None else None
        if span is None:
            reason = "does not have the answer" if text is not None else "was not read"
            problems.append(f"question {question.id!r}: {question.document} {reason}")
            continue
        offset = first.get(question.document, 0)
        relevant = frozenset(
            offset + i for i in relevant_chunks(spans.get(question.document, []), *span)
        )
        if not relevant:
            problems.append(f"question {question.id!r}: no chunk has the answer")
            continue
        pair = Pair(query=question.question, relevant=relevant, answer=question.answer.strip())
        (train if question.split == "train" else test).append((question.id, pair))
    split = "test"
    if len(test) < _MIN_HELD_OUT:
        split = f"{_HELD_OUT_PERCENT} % of questions, by hash of the id"
        test += [row for row in train if _hash(row[0]) % 100 < _HELD_OUT_PERCENT]
        train = [row for row in train if _hash(row[0]) % 100 >= _HELD_OUT_PERCENT]
    held_out = [HeldOut(query=pair.query, relevant=pair.relevant) for _, pair in test]
    asked = {query.query for query in held_out}
    return [pair for _, pair in train if pair.query not in asked], held_out, split


def _from_documents(
    passages: Sequence[Passage], seed: int
) -> tuple[list[Pair], list[HeldOut], dict[int, str]]:
    # A fifth of the documents, those whose keys hash lowest; at least one, and never all.
    documents = sorted({passage.document for passage in passages}, key=_hash)
    share = min(max(1, len(documents) * _HELD_OUT_PERCENT // 100), len(documents) - 1)
    measured = set(documents[:share])
    rng = random.Random(seed)  # noqa: S311 - draws sentences, not secrets
    pairs: list[Pair] = []
    held_out: list[HeldOut] = []
    replaced: dict[int, str] = {}
    for position, passage in enumerate(passages):
        relevant = frozenset({position})
        cloze = _cloze(passage.text, rng)
        if passage.document in measured:
            if cloze is not None:
                held_out.append(HeldOut(query=cloze[0], relevant=relevant))
                replaced[position] = cloze[1]
            continue
        if cloze is not None:
            pairs.append(Pair(query=cloze[0], relevant=relevant, passage=cloze[1]))
        heading = passage.heading.rpartition(" > ")[2].strip()
        if len(heading.split()) > 1 and len(passage.text) - len(heading) >= _MIN_REST:
            text = passage.text.replace(heading, "", 1).lstrip("# \n")
            pairs.append(Pair(query=heading, relevant=relevant, passage=text))
    return pairs, held_out, replaced


def _cloze(text: str, rng: random.Random) -> tuple[str, str] | None:
    """Return a sentence of `text` and the text without it; None if no sentence fits."""
    sentences = [
        sentence
        for sentence in _SENTENCE.split(text)
        if _MIN_SENTENCE <= len(sentence) <= _MAX_SENTENCE
        and len(text) - len(sentence) >= _MIN_REST
        and not sentence.startswith("#")
    ]
    if not sentences:
        return None
    sentence = rng.choice(sentences)
    return " ".join(sentence.split()), text.replace(sentence, "", 1).strip()


def _hash(key: str) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)
