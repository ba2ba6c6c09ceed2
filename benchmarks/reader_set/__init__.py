"""Makes documents whose right content is known, for `benchmarks.readers`.

Each is what people really have: a web page with a menu, a Word file out of a review, a PDF in two
columns. The content is invented. The files are written part by part, without the libraries that
readers use, so that no reader gets its own dialect. One module makes the files of one format.
"""

from __future__ import annotations

from benchmarks.reader_set.expected import Expected
from benchmarks.reader_set.pdf import pdf_files
from benchmarks.reader_set.web import web_pages
from benchmarks.reader_set.word import word_files

__all__ = ["Expected", "documents"]


def documents() -> list[Expected]:
    """Return the set."""
    return [*web_pages(), *word_files(), *pdf_files()]
