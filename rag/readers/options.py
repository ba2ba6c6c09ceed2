"""How documents are read, where a choice exists: encodings by folder, and OCR.

Owns the choices and their command-line form. Pure. The same options must reach the training, the
ingest and the listing of documents, or they would see different texts.
"""

from __future__ import annotations

import codecs
import functools
import hashlib
import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType

__all__ = [
    "DEFAULT_OPTIONS",
    "OCR_LANGUAGES",
    "OCR_SUFFIXES",
    "ReadOptions",
    "is_ocr_language",
    "is_text_encoding",
]

OCR_LANGUAGES = ("eng", "chi_sim")
"""Languages of OCR by default, as Tesseract names them."""
OCR_SUFFIXES = frozenset({".pdf", ".eml"})
"""Formats whose reader uses OCR, or that have attachments of such a format: an index takes their
documents again if OCR changes."""

_ESCAPES = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})
"""Codecs of Python for names and source code, not for files."""
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9_/-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Choices for reading.

    Attributes:
        encodings: Encoding (a name that Python knows) by folder or document: ``docs/old`` is for
            every document below it. The longest match counts. Default: none, so that encodings
            are detected.
        ocr: Whether pages that are images are recognised by Tesseract. Default: no.
        ocr_languages: Languages for that, as Tesseract names them.
    """

    encodings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ocr: bool = False
    ocr_languages: tuple[str, ...] = OCR_LANGUAGES

    def __post_init__(self) -> None:
        folders = {_folder(folder): name for folder, name in self.encodings.items()}
        for folder, name in folders.items():
            if not is_text_encoding(name):
                raise ValueError(
                    f"{name!r}, for {folder}, must be an encoding that Python knows, for example "
                    f"gb18030, big5, shift_jis, euc_kr or windows-1252"
                )
        for language in self.ocr_languages:
            if not is_ocr_language(language):
                raise ValueError(
                    f"{language!r} must be a language as Tesseract names it, for example eng or "
                    f"chi_sim"
                )
        if not self.ocr_languages:
            raise ValueError("give at least one language of OCR, for example eng")
        object.__setattr__(self, "encodings", MappingProxyType(folders))

    def __reduce__(self) -> tuple[Callable[[], ReadOptions], tuple[()]]:
        # A read-only mapping cannot be pickled.
        return (
            functools.partial(
                ReadOptions,
                encodings=dict(self.encodings),
                ocr=self.ocr,
                ocr_languages=self.ocr_languages,
            ),
            (),
        )

    def encoding_of(self, key: str) -> str | None:
        """Return the encoding that is set for a document; None if it is to be detected."""
        path = PurePosixPath(key)
        for folder in (path, *path.parents):
            if (name := self.encodings.get(folder.as_posix())) is not None:
                return name
        return None

    def is_set_for(self, key: str) -> bool:
        """Return whether an encoding is set for this very document, not for a folder above it."""
        return PurePosixPath(key).as_posix() in self.encodings

    def identity(self, key: str, sha256: str) -> str:
        """Return what an index names a document's content by: its file, and how it is read.

        It is the file's SHA-256 if no option applies to the document. Else it is a SHA-256 of both,
        so that a change of an option makes an ingest take the documents that it applies to again,
        and no others.
        """
        applied: dict[str, object] = {}
        if (name := self.encoding_of(key)) is not None:
            applied["encoding"] = codecs.lookup(name).name
        if self.ocr and PurePosixPath(key).suffix.lower() in OCR_SUFFIXES:
            applied["ocr"] = list(self.ocr_languages)
        if not applied:
            return sha256
        return hashlib.sha256(
            f"{sha256} {json.dumps(applied, sort_keys=True)}".encode()
        ).hexdigest()

    @property
    def encoding_pairs(self) -> tuple[str, ...]:
        """``FOLDER=ENCODING`` each."""
        return tuple(f"{folder}={name}" for folder, name in self.encodings.items())

    def arguments(self) -> list[tuple[str, str]]:
        """Return the command line that `from_arguments` reads: (option, value) in order.

        Options at their default are left out. The value of ``--ocr`` is empty.
        """
        given = [("--encoding", pair) for pair in self.encoding_pairs]
        if self.ocr:
            given.append(("--ocr", ""))
            given += [("--ocr-language", language) for language in self.ocr_languages]
        return given

    @classmethod
    def of(
        cls, *, encoding: Sequence[str] = (), ocr: bool = False, ocr_language: Sequence[str] = ()
    ) -> ReadOptions:
        """Return the options that a command line gives.

        Args:
            encoding: ``FOLDER=ENCODING`` each.
            ocr: Whether to use OCR.
            ocr_language: Languages of OCR; empty for the default.

        Raises:
            ValueError: A value is not valid; the message has it, and what is allowed.
        """
        encodings = {}
        for pair in encoding:
            folder, equals, name = pair.rpartition("=")
            if not equals or not folder:
                raise ValueError(f"{pair!r} must be FOLDER=ENCODING, for example docs/old=gb18030")
            encodings[folder] = name
        languages = tuple(ocr_language) or OCR_LANGUAGES
        return cls(encodings=encodings, ocr=ocr, ocr_languages=languages)

    @classmethod
    def from_arguments(cls, arguments: Namespace) -> ReadOptions:
        """Return the options of a command line that `add_arguments` described."""
        return cls.of(
            encoding=arguments.encoding, ocr=arguments.ocr, ocr_language=arguments.ocr_language
        )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Add the options to a command line."""
        parser.add_argument(
            "--encoding",
            action="append",
            default=[],
            metavar="FOLDER=ENCODING",
            help="encoding of the text files below a folder, e.g. docs/old=gb18030; repeatable",
        )
        parser.add_argument(
            "--ocr", action="store_true", help="recognise pages that are images by Tesseract"
        )
        parser.add_argument(
            "--ocr-language",
            action="append",
            default=[],
            metavar="NAME",
            help=f"language of OCR, repeatable; default {' '.join(OCR_LANGUAGES)}",
        )


def is_text_encoding(name: str) -> bool:
    """Return whether Python knows the text encoding `name`."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in _ESCAPES
    except (LookupError, ValueError):
        return False


def is_ocr_language(name: str) -> bool:
    """Return whether `name` can be one of Tesseract's languages."""
    return _LANGUAGE.fullmatch(name) is not None


def _folder(folder: str) -> str:
    path = PurePosixPath(folder.strip("/"))
    return path.as_posix() if path.parts[:1] == ("docs",) else f"docs/{path.as_posix()}"


DEFAULT_OPTIONS = ReadOptions()
"""Encodings are detected, and nothing is recognised by OCR."""
