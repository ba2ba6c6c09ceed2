"""Errors of the data plane.

RagError
├── ReadError            a document that cannot be read; the run skips it and goes on
├── ReaderProcessError   the process that reads documents does not start, or was stopped
├── CorpusError          a corpus folder that is not one, or is incomplete
├── UnknownModelError    a model name that nothing resolves
├── EmbeddingError       the embedding service failed or answered with something else
│   └── TextsRefusedError      the service refuses these texts, and would again
├── SearchIndexError     the index is missing, or is not the one expected
│   ├── PassageNotFoundError   the index has no such passage
│   └── SearchEngineError      the search engine refused a request, or did not answer
├── IngestError          an ingest that could not finish
│   └── ClusterShortageError   the cluster lacks memory, disk or a model; a restart does not help
├── RerankError          the reranker failed; the ranking of the searches stays
└── GenerationError      the language model failed or did not answer in time
"""

from __future__ import annotations

__all__ = [
    "ClusterShortageError",
    "CorpusError",
    "EmbeddingError",
    "GenerationError",
    "IngestError",
    "PassageNotFoundError",
    "RagError",
    "ReadError",
    "ReaderProcessError",
    "RerankError",
    "SearchEngineError",
    "SearchIndexError",
    "TextsRefusedError",
    "UnknownModelError",
]


class RagError(Exception):
    """Base of every error that this package raises on purpose."""


class ReadError(RagError):
    """A document that cannot be read. `reason` is one line, fit to be shown to its owner."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class ReaderProcessError(RagError):
    """The process that reads documents does not start, or was stopped; see `rag.reader_process`."""


class CorpusError(RagError):
    """The corpus folder does not have the expected files, or some are missing."""

    @classmethod
    def of_unopened(cls, path: str, error: OSError) -> CorpusError:
        """Return the error for a file or folder that cannot be opened, with what to change."""
        advice = "Change its permissions." if isinstance(error, PermissionError) else ""
        return cls(f"{path} cannot be opened: {error.strerror or error}. {advice}".rstrip())


class UnknownModelError(RagError):
    """No model has this name."""


class EmbeddingError(RagError):
    """The embedding service failed, or its answer is not the embeddings asked for."""


class TextsRefusedError(EmbeddingError):
    """The embedding service refuses a request because of its texts; every node would."""


class SearchIndexError(RagError):
    """The index or alias is missing, or is not the one that was expected."""


class PassageNotFoundError(SearchIndexError):
    """The index has no passage with this id; it may have had one before the last ingest."""


class SearchEngineError(SearchIndexError):
    """The search engine refused a request, or did not answer.

    `status` is the HTTP status; None if there was no answer.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class IngestError(RagError):
    """An ingest that could not finish; the next run goes on from what it indexed."""


class ClusterShortageError(IngestError):
    """The cluster lacks something that only its owner can give; the message says what to do."""


class RerankError(RagError):
    """The reranker failed, or did not answer in time."""


class GenerationError(RagError):
    """The language model failed, or did not answer in time."""
