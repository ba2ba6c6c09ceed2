"""A corpus folder on disk: `docs/**`, an optional `questions.jsonl`, an optional `manifest.json`.

Owns the layout and its checks. Does not choose the documents (`rag.listing`), read them
(`rag.readers`) or upload them (`providers`). Keys are relative to the folder, with forward slashes:
``docs/guide/a.md``.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rag.clean import clean
from rag.errors import CorpusError
from rag.listing import DOCUMENTS, CorpusFile, Listing, list_documents
from rag.locate import Searchable
from rag.outcomes import LeftOut
from rag.readers import DEFAULT_MAX_BYTES

__all__ = [
    "Corpus",
    "CorpusFile",
    "Question",
    "key_finder",
    "load_corpus",
    "load_questions",
    "sha256_of",
]

QUESTIONS = "questions.jsonl"
MANIFEST = "manifest.json"
_TRAIN_SHARE = 70
"""Percent of the questions without a `split` that go to the train split."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question whose answer is a span of one document.

    Attributes:
        id: Unique in the corpus.
        document: The document's key, ``docs/...``.
        question: The question.
        answer: The answer's text, as the document has it.
        answer_start: Its offset, in characters of the document's extracted text; None if the
            file does not give it. The first occurrence of `answer` counts then.
        split: ``train`` or ``test``. A hash of the id chooses it for a question without one:
            always the same split, about 70 % train.
    """

    id: str
    document: str
    question: str
    answer: str
    answer_start: int | None
    split: Literal["train", "test"]

    def span(self, text: Searchable) -> tuple[int, int] | None:
        """Return start and end of the answer in the extracted text; None if it is not there.

        White space, line ends, hyphenation and typography may differ (`rag.locate`). The
        occurrence nearest to `answer_start` counts.
        """
        return text.find(self.answer, self.answer_start)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus folder, listed but not read.

    Attributes:
        root: The folder.
        files: Its documents, sorted by key.
        left_out: The other files below `docs/`, with the reason, sorted by name.
        questions: Its questions, in file order.
        version: The manifest's version; None without a manifest.
    """

    root: Path
    files: tuple[CorpusFile, ...]
    left_out: tuple[LeftOut, ...]
    questions: tuple[Question, ...]
    version: str | None


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_corpus(
    root: str | Path,
    *,
    set_aside: list[str] | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Corpus:
    """List a corpus folder; `set_aside` as in `load_questions`.

    A manifest lists the documents, and each must exist. Otherwise a mount that shows half a corpus
    would look like a corpus whose other half was deleted.

    Args:
        root: The corpus folder.
        set_aside: Receives a message for each invalid line of `questions.jsonl`.
        max_bytes: Largest document, without a manifest. With one, it was applied before the upload.

    Raises:
        CorpusError: There is no folder `docs/` or no document in it, the manifest lists a missing
            file, or the manifest or a question is not valid.
    """
    root = Path(root)
    manifest = _load_manifest(root)
    if manifest is None:
        listing = list_documents(root, max_bytes=max_bytes)
    else:
        listing = _listing_of(root, manifest)
    if not listing.files:
        raise CorpusError(f"{root / DOCUMENTS} has no documents. {_advice(listing.left_out)}")
    return Corpus(
        root=root,
        files=listing.files,
        left_out=listing.left_out,
        questions=load_questions(root, set_aside=set_aside),
        version=None if manifest is None else str(manifest.get("version", "")),
    )


def _advice(left_out: tuple[LeftOut, ...]) -> str:
    if not left_out:
        return "Put the files to search there."
    first = left_out[0]
    return (
        f"It has {len(left_out)} other files or folders; the first is {first.name!r}: "
        f"{first.reason}. Put files there that can be read."
    )


def _load_manifest(root: Path) -> dict[str, Any] | None:
    path = root / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_bytes())
        if not isinstance(manifest["documents"], dict):
            raise TypeError("documents is not an object")
        if not isinstance(manifest.get("left_out", {}), dict):
            raise TypeError("left_out is not an object")
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path} is not a valid corpus manifest: {error}") from error
    return dict(manifest)


def _listing_of(root: Path, manifest: dict[str, Any]) -> Listing:
    try:
        left_out = tuple(
            LeftOut.of(name, text) for name, text in sorted(manifest.get("left_out", {}).items())
        )
    except (ValueError, AttributeError) as error:
        raise CorpusError(f"{root / MANIFEST} is not a valid corpus manifest: {error}") from error
    return Listing(files=tuple(_manifest_files(root, manifest)), left_out=left_out)


def _manifest_files(root: Path, manifest: dict[str, Any]) -> Iterator[CorpusFile]:
    for key, entry in sorted(manifest["documents"].items()):
        if not key.startswith(f"{DOCUMENTS}/"):
            continue
        path = root / key
        if ".." in Path(key).parts or not path.is_file():
            raise CorpusError(
                f"{root / MANIFEST} lists {key!r}, which is not in {root}. "
                f"Wait until the whole corpus is uploaded, then run again."
            )
        yield CorpusFile(
            key=key, path=path, size_bytes=path.stat().st_size, sha256=entry.get("sha256")
        )


def load_questions(root: str | Path, *, set_aside: list[str] | None = None) -> tuple[Question, ...]:
    """Return the questions of a corpus folder, in file order; empty without `questions.jsonl`.

    Args:
        root: The corpus folder.
        set_aside: Receives a message for each line that is not a valid question; the line is
            skipped. Default: None, the first such line is an error.

    Raises:
        CorpusError: A line that is not a question, naming the line and what is wrong with it.
    """
    path = Path(root) / QUESTIONS
    if not path.is_file():
        return ()
    questions: list[Question] = []
    seen: set[str] = set()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                question = _question(json.loads(line))
                if question.id in seen:
                    raise ValueError(f"id {question.id!r} appears twice; ids must be unique")
            except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
                problem = f"{path}, line {number} is not a valid question: {error!r}"
                if set_aside is None:
                    raise CorpusError(problem) from error
                set_aside.append(problem)
                continue
            seen.add(question.id)
            questions.append(question)
    return tuple(questions)


def _question(row: dict[str, Any]) -> Question:
    identifier = clean(str(row["id"]))
    split = row.get("split")
    if split is None:
        bucket = int(hashlib.sha256(identifier.encode()).hexdigest(), 16) % 100
        split = "train" if bucket < _TRAIN_SHARE else "test"
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; it must be train or test")
    for name in ("document", "question", "answer"):
        value = row[name]
        if not isinstance(value, str | int | float) or not str(value).strip():
            raise ValueError(f"{name} is {value!r}; it must be a text that is not empty")
    document = clean(str(row["document"])).replace("\\", "/").removeprefix("./").lstrip("/")
    start = row.get("answer_start")
    return Question(
        id=identifier,
        document=document if document.startswith(f"{DOCUMENTS}/") else f"{DOCUMENTS}/{document}",
        question=clean(str(row["question"])),
        answer=clean(str(row["answer"])),
        answer_start=None if start is None or int(start) < 0 else int(start),
        split="train" if split == "train" else "test",
    )


def key_finder(keys: Iterable[str]) -> Callable[[str], str | None]:
    """Return a function that finds the key of the document that a question names.

    Copies of a folder change names: letter case, accents decomposed or not, full-width letters. The
    function returns the name itself if it is a key, else the only key that differs from it in those
    ways alone, else None.

    Args:
        keys: The keys of the corpus.
    """
    exact = set(keys)
    alike: dict[str, list[str]] = {}
    for key in sorted(exact):
        alike.setdefault(_folded(key), []).append(key)

    def find(document: str) -> str | None:
        if document in exact:
            return document
        found = alike.get(_folded(document), [])
        return found[0] if len(found) == 1 else None

    return find


def _folded(key: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())
