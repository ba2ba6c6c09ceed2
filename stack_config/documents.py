"""Config keys of reading documents: encodings by folder, and OCR."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from rag.readers.options import ReadOptions
from stack_config.group import Group, Texts, keys_after
from stack_config.kinds import Ocr

__all__ = ["Documents"]


def _encodings(pairs: tuple[str, ...]) -> tuple[str, ...]:
    ReadOptions.of(encoding=pairs)
    return pairs


def _languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    ReadOptions(ocr_languages=languages)
    return languages


class Documents(Group, alias_generator=keys_after("document")):
    """How documents are read, where a choice exists."""

    encodings: Annotated[Texts, AfterValidator(_encodings)]
    ocr: Ocr
    ocr_languages: Annotated[Texts, AfterValidator(_languages)]

    @property
    def read_options(self) -> ReadOptions:
        """The choices, as training and ingest take them."""
        return ReadOptions.of(
            encoding=self.encodings,
            ocr=self.ocr is Ocr.TESSERACT,
            ocr_language=self.ocr_languages,
        )
