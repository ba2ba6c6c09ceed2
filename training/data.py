"""The data of a tuning: passages, training pairs and held-out queries.

Owns the reading of a corpus and the choice between two sources of pairs: `questions.jsonl`
(`training.question_pairs`), or without usable questions the documents themselves
(`training.document_pairs`). Chunks come from `rag.chunk` and relevance from `rag.metrics`, so that
training measures the same passages that the application searches. Loads no model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag.chunk import chunk_document, embedding_text
from rag.corpus import load_corpus
from rag.documents import Document
from rag.errors import CorpusError, ReadError
from rag.language import detect, knows
from rag.limits import TokenMeasure, measure_for
from rag.outcomes import Outcome
from rag.reader_process import DocumentReader
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from rag.windows import windows_of
from training.document_pairs import pairs_from_documents
from training.examples import HeldOut, Pair, Passage
from training.question_pairs import pairs_from_questions

__all__ = ["TrainingData", "load_training_data"]


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """A corpus, ready to train and measure on.

    Attributes:
        passages: Every chunk of the corpus.
        pairs: To train on.
        validation: To choose the model and the weight of the two searches by. Empty: too few
            questions, or none. `held_out` then chooses the model.
        held_out: To measure on; `pairs` does not contain its queries.
        source: Where the pairs come from.
        held_out_split: A description of `held_out`, for the metrics.
        replaced: Text by position of passages that are measured without a held-out sentence.
        documents: Number of documents.
        set_aside: Documents and question lines that were skipped, with the reason.
        read_options: How the documents were read.
        languages: Languages that the model knows; empty for many.
    """

    passages: tuple[Passage, ...]
    pairs: tuple[Pair, ...]
    validation: tuple[HeldOut, ...]
    held_out: tuple[HeldOut, ...]
    source: Literal["questions", "documents"]
    held_out_split: str
    replaced: Mapping[int, str]
    documents: int
    set_aside: tuple[str, ...]
    read_options: ReadOptions = DEFAULT_OPTIONS
    languages: tuple[str, ...] = ()

    @property
    def chooser(self) -> tuple[HeldOut, ...]:
        """The queries that choose the model and the weight of the two searches."""
        return self.validation or self.held_out

    @property
    def chooser_name(self) -> str:
        """A description of `chooser`, for the reasons."""
        if self.validation:
            return f"{len(self.validation)} questions held out of the train split"
        return f"{len(self.held_out)} held-out queries"

    def texts(self) -> list[str]:
        """Return the text of every passage to measure on."""
        return [self.replaced.get(i, p.text) for i, p in enumerate(self.passages)]

    def windows(self) -> list[list[str]]:
        """Return the windows of every passage to measure on."""
        return [
            self.windows_in(text, passage.language)
            for text, passage in zip(self.texts(), self.passages, strict=True)
        ]

    def windows_in(self, text: str, language: str) -> list[str]:
        """Return the windows of a passage's text, as the index has them."""
        return windows_of(text) if knows(self.languages, language) else [text]

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything here that a result depends on."""
        digest = hashlib.sha256()
        for passage, windows in zip(self.passages, self.windows(), strict=True):
            row = (windows, passage.title, passage.heading, passage.language)
            digest.update(repr(row).encode())
        for pair in self.pairs:
            example = (pair.query, sorted(pair.relevant), pair.answer, pair.passage)
            digest.update(repr(example).encode())
        for query in (*self.validation, *self.held_out):
            digest.update(repr((query.query, sorted(query.relevant))).encode())
        digest.update(repr(len(self.validation)).encode())
        return digest.hexdigest()


def load_training_data(
    corpus_dir: str | Path,
    *,
    seed: int,
    min_pairs: int,
    measure: TokenMeasure | None = None,
    languages: Collection[str] = (),
    options: ReadOptions = DEFAULT_OPTIONS,
    report: Callable[[str], None] = lambda line: None,
) -> TrainingData:
    """Read a corpus folder and build pairs from it.

    Args:
        corpus_dir: Folder with `docs/` and, perhaps, `questions.jsonl`.
        seed: Of the random choices from documents.
        min_pairs: With fewer train questions than this, the documents give the pairs.
        measure: Limits the tokens of a chunk, as the ingest does. Default: no such limit.
        languages: Languages that the model knows; empty for many.
        options: How documents are read.
        report: Receives one line for each skipped document or question.

    Raises:
        CorpusError: There are no documents, or none can be read.
    """
    problems: list[str] = []
    corpus = load_corpus(corpus_dir, set_aside=problems)
    problems += [
        f"{left.name}: {left.reason}" for left in corpus.left_out if left.outcome is Outcome.UNREAD
    ]
    passages: list[Passage] = []
    texts: dict[str, str] = {}
    with DocumentReader(options=options) as reader:
        documents = reader.read((file.key, file.path) for file in corpus.files)
        for file, document in zip(corpus.files, documents, strict=True):
            if isinstance(document, ReadError):
                problems.append(str(document))
                continue
            texts[file.key] = document.text
            passages += _passages(document, measure, languages)
    if not passages:
        raise CorpusError(
            f"None of the {len(corpus.files)} documents of {corpus.root} can be read. The first "
            f"reason is: {problems[0] if problems else 'no text'}. Put readable documents there."
        )
    asked = pairs_from_questions(
        corpus.questions,
        passages,
        texts,
        [file.key for file in corpus.files],
        problems,
        min_pairs=min_pairs,
    )
    pairs, held_out, split = asked.pairs, asked.held_out, asked.split
    validation = asked.validation
    source: Literal["questions", "documents"] = "questions"
    replaced: Mapping[int, str] = {}
    if len(pairs) < min_pairs or not held_out:
        made = pairs_from_documents(passages, seed)
        if len(made.pairs) > len(pairs):
            source, replaced = "documents", made.replaced
            pairs, held_out, split = made.pairs, made.held_out, made.split
            validation = []
    for problem in problems:
        report(f"skipped: {problem}")
    return TrainingData(
        passages=tuple(passages),
        pairs=tuple(pairs),
        validation=tuple(validation),
        held_out=tuple(held_out),
        source=source,
        held_out_split=split,
        replaced=replaced,
        documents=len(texts),
        set_aside=tuple(problems),
        read_options=options,
        languages=tuple(languages),
    )


def _passages(
    document: Document, measure: TokenMeasure | None, languages: Collection[str]
) -> Iterator[Passage]:
    language = detect(document.text)
    for chunk in chunk_document(document, measure_for(measure, language, languages)):
        yield Passage(
            document=document.key,
            number=chunk.number,
            start=chunk.start,
            end=chunk.end,
            title=document.title,
            language=language,
            heading=chunk.heading,
            headings=tuple(
                tuple(section.heading.split(" > "))
                for section in document.sections
                if section.start < chunk.end and chunk.start < section.end and section.heading
            ),
            text=embedding_text(document.title, chunk),
        )
