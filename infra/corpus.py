"""The corpus folder by content, read before anything is created.

Owns: the corpus as the program's inputs, and what a preview says about the files in it. Does not
own: reading documents (`rag`) or uploading (`providers`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.corpus import load_corpus, sha256_of
from rag.errors import CorpusError
from rag.outcomes import LeftOut, Outcome
from rag.terminal import printable
from stack_config.config import ConfigError

__all__ = ["CorpusPlan", "plan_corpus"]

QUESTIONS_KEY = "questions.jsonl"
NO_QUESTIONS = "pairs-made-from-documents"
_MOST_NAMED = 10
_MOST_REASONS = 4


@dataclass(frozen=True, kw_only=True)
class CorpusPlan:
    """A corpus folder by content.

    Attributes:
        source_dir: The folder.
        objects: Key to SHA-256 of everything to upload: documents and questions.
        documents: Key to SHA-256 of the documents alone.
        left_out: The other files below `docs/`, with the reason.
        training_digest: Changes with the questions, and then the model is trained again. Documents
            alone do not change it: they are embedded again.
        first_question: First question of `questions.jsonl`, or empty.
        skipped: Invalid lines of `questions.jsonl`, with the reason.
    """

    source_dir: Path
    objects: Mapping[str, str]
    documents: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    training_digest: str
    first_question: str
    skipped: tuple[str, ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many files below `docs/` have this outcome before the upload."""
        return sum(left.outcome is outcome for left in self.left_out)

    @property
    def summary(self) -> str:
        """One line: the documents, and the other files below `docs/` by reason."""
        parts = [f"{len(self.documents):,} documents in docs/"]
        for outcome, words in ((Outcome.UNREAD, "cannot be read"), (Outcome.SKIPPED, "skipped")):
            reasons = Counter(left.reason for left in self.left_out if left.outcome is outcome)
            if reasons:
                parts.append(f"{reasons.total():,} {words} ({_by_reason(reasons)})")
        return "corpus: " + ", ".join(parts)

    @property
    def warnings(self) -> Iterator[str]:
        """The first files that cannot be read, one line each, and how many more there are."""
        unread = [left for left in self.left_out if left.outcome is Outcome.UNREAD]
        for left in unread[:_MOST_NAMED]:
            yield f"{printable(left.name)} cannot be read: {left.reason}"
        if len(unread) > _MOST_NAMED:
            yield f"{len(unread) - _MOST_NAMED:,} more files below docs/ cannot be read"


def _by_reason(reasons: Counter[str]) -> str:
    shown = [f"{reason}: {count:,}" for reason, count in reasons.most_common(_MOST_REASONS)]
    more = len(reasons) - len(shown)
    return ", ".join(shown) + (f", {more:,} more reasons" if more else "")


def plan_corpus(source_dir: Path) -> CorpusPlan:
    """List and hash the corpus at `source_dir`.

    Raises:
        ConfigError: The folder is missing or unreadable, or has no documents.
    """
    skipped: list[str] = []
    documents: dict[str, str] = {}
    try:
        str(source_dir).encode()
        corpus = load_corpus(source_dir, set_aside=skipped)
        left_out = list(corpus.left_out)
        unopened: OSError | None = None
        for file in corpus.files:
            try:
                documents[file.key] = sha256_of(file.path)
            except OSError as error:
                unopened = error
                reason = f"the file cannot be opened: {error.strerror or error}"
                left_out.append(LeftOut(name=file.key, outcome=Outcome.UNREAD, reason=reason))
        if unopened is not None and not documents:
            raise CorpusError.of_unopened(printable(left_out[-1].name), unopened)
        questions_path = source_dir / QUESTIONS_KEY
        questions = {QUESTIONS_KEY: sha256_of(questions_path)} if questions_path.is_file() else {}
    except (CorpusError, OSError, UnicodeEncodeError) as error:
        raise ConfigError(
            f"customrag:corpusDir is {str(source_dir)!r}; {str(error).rstrip('.')}. Give a folder "
            "with documents in docs/ and, optionally, a file questions.jsonl"
        ) from error
    return CorpusPlan(
        source_dir=source_dir,
        objects=documents | questions,
        documents=documents,
        left_out=tuple(sorted(left_out, key=lambda left: left.name)),
        training_digest=questions.get(QUESTIONS_KEY, NO_QUESTIONS),
        first_question=corpus.questions[0].question if corpus.questions else "",
        skipped=tuple(skipped),
    )
