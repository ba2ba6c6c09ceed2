"""Reads single pages with pypdf, where PDFium does not give out all of the text.

PDFium leaves out text whose width it does not know: a single character, or a vertical line, in a
Chinese or Japanese font that neither the file nor the machine has. pypdf needs no width. It gives
the text in the order of the file, without columns.
"""

from __future__ import annotations

import io
import logging
from typing import Any

from rag.readers.pdf.characters import clean

__all__ = ["Fallback"]


class Fallback:
    """Reads pages of one document; opens it at the first page that needs it.

    Args:
        data: The file.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._reader: Any = None
        self._broken = False

    def lines(self, index: int) -> list[str] | None:
        """Return the lines of a page; None if pypdf cannot read it."""
        if self._broken:
            return None
        try:
            if self._reader is None:
                import pypdf

                # It logs every oddity of a damaged file; the result says what is missing.
                logging.getLogger("pypdf").setLevel(logging.CRITICAL)
                self._reader = pypdf.PdfReader(io.BytesIO(self._data))
                if self._reader.is_encrypted:
                    self._reader.decrypt("")
            text = str(self._reader.pages[index].extract_text())
        except Exception:  # noqa: BLE001 - damaged files make pypdf raise anything
            self._broken = self._reader is None
            return None
        return [line for line in map(clean, text.splitlines()) if line]
