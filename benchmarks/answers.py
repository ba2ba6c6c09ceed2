"""Measure what the application quotes, and what it refuses.

    python -m localcloud.elasticsearch.borrow --home DIR \\
        python -m benchmarks.answers --corpus DIR [--others DIR] [--model NAME] [--split test]

Indexes a corpus without a quarter of its documents, and asks it three kinds of questions:
    answered   questions whose document is in the index: how many are not refused
    quoted     ... and how many quote the whole answer
    refused    questions about the documents that were left out, and the questions of `--others`,
               a corpus about something else: how many are refused
A question about a document that was left out may have its answer in another document, so that its
figure is too low. The language model is silent. Retrieval, the judgement and the choice of
sentences are the application's. The address of the cluster is in CUSTOMRAG_ELASTICSEARCH_URL,
_USERNAME and _PASSWORD.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import secrets
import unicodedata
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.answer import Answerer, Done, State
from rag.corpus import Question, load_corpus, load_questions
from rag.encoder import LocalEncoder
from rag.index import SETTINGS, mappings
from rag.ingest import ingest
from rag.models import model_info
from rag.prompt import profile_of
from rag.reader_process import DocumentReader
from rag.retrieve import Retriever
from training.clusters import Cluster
from training.measure import Chosen
from training.measured_encoder import Borrowed
from training.settings import EvaluationSettings

_TOP_K = 5
_LEFT_OUT_PERCENT = 25


class _Silent:
    """A language model that writes nothing."""

    name = "silent"

    async def stream(
        self, messages: Sequence[dict[str, str]], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        return
        yield ""

    async def check(self) -> None:
        """Accept."""


def left_out(document: str) -> bool:
    """Return whether a document stays out of the index, always the same for the same name."""
    digest = hashlib.sha256(document.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < _LEFT_OUT_PERCENT


def quotes_the_answer(done: Done, answer: str) -> bool:
    """Return whether the quotes have the whole answer; punctuation and spaces do not count."""
    return _letters(answer) in _letters(" ".join(text for _, text in done.quotes))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


async def measure(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    settings = EvaluationSettings()
    engine = Cluster(
        url=settings.elasticsearch_url,
        username=settings.elasticsearch_username,
        password=settings.elasticsearch_password.get_secret_value(),
    ).engine()
    encoder = LocalEncoder(arguments.model)
    known = model_info(arguments.model)
    languages = known.languages if known else tuple(arguments.languages)
    index = f"customrag-answers-{secrets.token_hex(4)}"
    meta = {
        "model_version": "answers",
        "embedding_urls": ["http://in-process.invalid"],
        "model_languages": list(languages),
        **Chosen.of(Path(arguments.model)).meta,
    }
    corpus = load_corpus(arguments.corpus)
    kept = tuple(file for file in corpus.files if not left_out(file.key))
    try:
        await engine.create_index(index, mappings(encoder.dimension, meta), SETTINGS)
        with DocumentReader() as reader:
            await ingest(
                engine,
                encoder,
                reader,
                replace(corpus, files=kept),
                index=index,
                corpus_uri="oss://answers/corpus/",
                report=lambda line: None,
            )
        retriever = Retriever(engine, index, embedder=lambda meta: Borrowed(encoder))
        answerer = Answerer(retriever, _Silent(), profile_of("smollm2-135m"))

        async def ask(questions: Sequence[Question]) -> list[Done]:
            return [await _done(answerer, question.question) for question in questions]

        asked = [q for q in load_questions(arguments.corpus) if q.split == arguments.split]
        inside = [q for q in asked if not left_out(q.document)]
        outside = [q for q in asked if left_out(q.document)]
        done = await ask(inside)
        answered = [d.state is not State.NOT_IN_DOCUMENTS for d in done]
        quoted = [quotes_the_answer(d, q.answer) for d, q in zip(done, inside, strict=True)]
        _report(f"answered, {arguments.split} split", answered)
        _report("quoted, with the whole answer", quoted)
        _report("refused, documents left out", _refused(await ask(outside)))
        if arguments.others:
            others = load_questions(arguments.others)
            _report(f"refused, questions of {arguments.others.name}", _refused(await ask(others)))
        await retriever.close()
    finally:
        await engine.delete_index(index)
        await engine.close()
        encoder.close()


async def _done(answerer: Answerer, question: str) -> Done:
    events = [event async for event in answerer.answer(question, _TOP_K)]
    last = events[-1]
    assert isinstance(last, Done), last
    return last


def _refused(done: Sequence[Done]) -> list[bool]:
    return [d.state is State.NOT_IN_DOCUMENTS for d in done]


def _report(what: str, results: Sequence[bool]) -> None:
    share = sum(results) / max(1, len(results))
    print(f"{what:<34} {sum(results):5,} of {len(results):5,}  {share:6.1%}", flush=True)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers")
    parser.add_argument("--corpus", type=Path, required=True, help="docs/ and questions.jsonl")
    parser.add_argument("--others", type=Path, help="a corpus about something else")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="as in rag.models")
    parser.add_argument(
        "--languages", nargs="*", default=["en"], help="that a model outside the catalogue knows"
    )
    parser.add_argument("--split", default="test", choices=["train", "test"])
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
