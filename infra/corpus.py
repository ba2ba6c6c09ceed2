"""The corpus folder by content, read before anything is created.

Owns: the corpus as the program's inputs. Does not own: reading documents (`rag`) or uploading
(`providers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.corpus import load_corpus, sha256_of
from rag.errors import CorpusError
from stack_config.config import ConfigError

__all__ = ["CorpusPlan", "plan_corpus"]

QUESTIONS_KEY = "questions.jsonl"
NO_QUESTIONS = "pairs-made-from-documents"


@dataclass(frozen=True, kw_only=True)
class CorpusPlan:
    """A corpus folder by content.

    Attributes:
        source_dir: The folder.
        objects: Key to SHA-256 of everything to upload: documents and questions.
        documents: Key to SHA-256 of the documents alone.
        training_digest: Changes with the questions, and then the model is trained again. Documents
            alone do not change it: they are embedded again.
        first_question: First question of `questions.jsonl`, or empty.
        skipped: Invalid lines of `questions.jsonl`, with the reason.
    """

    source_dir: Path
    objects: Mapping[str, str]
    documents: Mapping[str, str]
    training_digest: str
    first_question: str
    skipped: tuple[str, ...]


def plan_corpus(source_dir: Path) -> CorpusPlan:
    """List and hash the corpus at `source_dir`.

    Raises:
        ConfigError: The folder is missing or unreadable, or has no documents.
    """
    skipped: list[str] = []
    try:
        corpus = load_corpus(source_dir, set_aside=skipped)
        documents = {file.key: sha256_of(file.path) for file in corpus.files}
        questions_path = source_dir / QUESTIONS_KEY
        questions = {QUESTIONS_KEY: sha256_of(questions_path)} if questions_path.is_file() else {}
    except (CorpusError, OSError) as error:
        raise ConfigError(
            f"customrag:corpusDir is {str(source_dir)!r}; {error}. Give a folder with documents in "
            "docs/ and, optionally, a file questions.jsonl"
        ) from error
    return CorpusPlan(
        source_dir=source_dir,
        objects=documents | questions,
        documents=documents,
        training_digest=questions.get(QUESTIONS_KEY, NO_QUESTIONS),
        first_question=corpus.questions[0].question if corpus.questions else "",
        skipped=tuple(skipped),
    )
