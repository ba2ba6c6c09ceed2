"""Reads a whole PDF, page by page: the file, its pages, its bookmarks, and what is missing.

Owns the sequence: a page is read, compared with its neighbours (running heads), laid out and
closed, so that memory holds the text of the document and five pages. Does not know PDFium's
functions for one page (`page`, `forms`), and does not decide about layout.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.options import ReadOptions
from rag.readers.pdf import assemble, forms, layout, margins, ocr, report, tables
from rag.readers.pdf.characters import clean
from rag.readers.pdf.fallback import Fallback
from rag.readers.pdf.flow import Flow
from rag.readers.pdf.page import LOCK, read_page
from rag.readers.pdf.parts import Outline, PageContent
from rag.readers.pdf.repair import repaired
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read"]

_OCR_SCALE = 300 / 72
"""Tesseract wants 300 dots per inch."""
_OCR_MOST_PIXELS = 40_000_000
_UNREADABLE_SHARE = 0.4
"""If the file does not tell the letters of more characters than this, the page is not text."""
_PICTURE_SHARE = 0.5
_FEW_LETTERS = 30
"""A page that is mostly a picture, with fewer letters than this beside it, may be a scan."""
_MOST_FAILED = 200
"""After so many pages in a row that cannot be read, the others are not tried: a damaged file may
claim to have a million."""
_MOST_BOOKMARKS = 10_000


@dataclass(slots=True)
class _Page:
    """A page that was read and not laid out yet."""

    index: int
    content: PageContent
    rows: list[layout.Row]
    edges: tuple[list[margins.Edge], list[margins.Edge]]


def read(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a PDF.

    Raises:
        ReadError: The file is damaged beyond repair, needs a password, or has no text.
    """
    with LOCK:
        pdf = _open(key, data)
    try:
        return _Reader(key, pdf, data, options).read()
    finally:
        with LOCK:
            pdf.close()


def _open(key: str, data: bytes) -> pdfium.PdfDocument:
    try:
        return _loaded(data)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise ReadError(
                key, "the PDF is encrypted and needs a password; save it without a password"
            ) from error
        if error.err_code == raw.FPDF_ERR_SECURITY:
            raise ReadError(
                key,
                "the PDF is encrypted by a method that is not supported; save it without a "
                "password",
            ) from error
    try:
        return _loaded(repaired(data))
    except (pdfium.PdfiumError, ValueError) as error:
        raise ReadError(key, f"the PDF is damaged: {error}") from error


def _loaded(data: bytes) -> pdfium.PdfDocument:
    """Open a document that has pages."""
    pdf = pdfium.PdfDocument(data)
    if len(pdf) == 0:
        pdf.close()
        raise pdfium.PdfiumError("it has no pages", err_code=raw.FPDF_ERR_FORMAT)
    return pdf


class _Reader:
    """Reads one open document."""

    def __init__(
        self, key: str, pdf: pdfium.PdfDocument, data: bytes, options: ReadOptions
    ) -> None:
        self._key = key
        self._pdf = pdf
        self._fallback = Fallback(data)
        end = data[-2048:]
        self._found = report.Found(
            page_count=len(pdf),
            ocr=options.ocr,
            cut_off=b"%%EOF" not in end and b"startxref" not in end,
        )
        self._flow = Flow()
        self._running: set[str] = set()
        self._last_texts: list[str] = []
        self._oblique: dict[str, None] = {}
        self._languages: tuple[str, ...] = ()
        self._form: Any | None = None
        if options.ocr:
            try:
                self._languages = ocr.languages_of(options.ocr_languages)
            except ocr.OcrError as error:
                self._found.ocr_error = str(error)
            else:
                self._found.ocr_languages = self._languages
                self._found.ocr_languages_missing = tuple(
                    language
                    for language in options.ocr_languages
                    if language not in self._languages
                )

    def read(self) -> Document:
        """Read all pages, and return the document."""
        with LOCK:
            title = clean(self._pdf.get_metadata_value("Title"))
            outline = self._outline()
            self._found.attachments = self._pdf.count_attachments()
            kind = self._pdf.get_formtype()
            self._found.xfa = kind == raw.FORMTYPE_XFA_FULL
            if kind != raw.FORMTYPE_NONE:
                self._pdf.init_forms()
                self._form = self._pdf.formenv.raw if self._pdf.formenv else None
        for page, neighbours in self._windows():
            self._lay_out(page, neighbours)
        asides = [*self._last_texts, *self._oblique]
        self._flow.add_page(self._found.page_count - 1, [], 0.0, asides)
        builder = TextBuilder()
        first = assemble.add_items(builder, self._flow.items, outline, self._found.page_count)
        if builder.empty:
            raise ReadError(self._key, report.no_text(self._found))
        for sentence in report.missing(self._found):
            builder.missing(sentence)
        for sentence in report.remarks(self._found):
            builder.remark(sentence)
        title = title if assemble.is_title(title) else first
        return builder.document(self._key, title[:TITLE_LENGTH] or stem(self._key))

    def _windows(self) -> Iterator[tuple[_Page, dict[int, Any]]]:
        """Yield each page, with the edges of the pages around it."""
        window: deque[_Page] = deque()
        count, failed = self._found.page_count, 0
        for index in itertools.count():
            if index < count:
                window.append(self._page(index))
                failed = failed + 1 if window[-1].content.error else 0
                if failed == _MOST_FAILED:
                    self._found.not_tried = count - index - 1
                    self._found.page_count = count = index + 1
            at = index - margins.REACH
            if at < 0:
                continue
            if at >= count:
                return
            yield (
                next(page for page in window if page.index == at),
                {page.index: page.edges for page in window},
            )
            while window and window[0].index <= at - margins.REACH:
                window.popleft()

    def _page(self, index: int) -> _Page:
        content = self._content(index)
        frame = content.frames[0] if content.frames else None
        if frame is None:
            return _Page(index, content, [], ([], []))
        runs = [*frame.runs, *forms.field_runs(content.fields, frame.runs)]
        rows = layout.rows_of(tables.extract_tables(runs, frame.rules))
        return _Page(index, content, rows, margins.edges_of(rows, frame.height))

    def _content(self, index: int) -> PageContent:
        """Read one page; a page that cannot be read has an error instead of a text."""
        with LOCK:
            try:
                page = self._pdf[index]
            except pdfium.PdfiumError as error:
                return PageContent(error=str(error))
            try:
                content, turn = read_page(page)
                if not forms.read_annotations(page, self._form, content, turn):
                    self._found.crowded.append(index)
                return content
            except (pdfium.PdfiumError, ValueError, OverflowError) as error:
                return PageContent(error=str(error))
            finally:
                page.close()

    def _lay_out(self, page: _Page, edges: dict[int, Any]) -> None:
        """Add a page to the flow, without its running heads, and note what it lacks."""
        content = page.content
        rows = self._without_running_rows(page, edges)
        if content.error:
            self._found.errors[page.index] = content.error
        elif not self._fall_back(page):
            letters = _letters(page, rows)
            unreadable = content.unreadable_share > _UNREADABLE_SHARE
            lacks_text = unreadable or _lacks_text(content, letters, _letters(page, page.rows))
            recognised = lacks_text and self._recognise(page.index)
            if lacks_text and not recognised:
                self._found.note_without_text(page.index, content, letters)
            if not unreadable and not recognised:
                self._add_rows(page, rows)
        for text in content.oblique:
            self._oblique.setdefault(clean(text))
        self._flow.add_page(page.index, [], 0.0, content.comments)

    def _add_rows(self, page: _Page, rows: list[layout.Row]) -> None:
        frames = page.content.frames
        for number, frame in enumerate(frames):
            columns = layout.columns_of(layout.rows_of(frame.runs) if number else rows)
            self._flow.add_page(page.index, columns, frame.width)

    def _fall_back(self, page: _Page) -> bool:
        """Read a page with pypdf if PDFium leaves out text there; return whether that helped."""
        if not page.content.lost_texts:
            return False
        lines = self._fallback.lines(page.index)
        if lines is None:
            self._found.incomplete.append(page.index)
            return False
        letters = sum(len("".join(line.split())) for line in lines)
        if letters <= 1.02 * _letters(page, page.rows):
            return False
        self._flow.add_texts(page.index, [lines])
        return True

    def _without_running_rows(self, page: _Page, edges: dict[int, Any]) -> list[layout.Row]:
        """Return the rows of a page without its running heads and feet; each is kept once.

        The heads of the first page begin the document. The others go to its end, because anywhere
        else they would cut a sentence.
        """
        gone = set()
        for edge in margins.running_rows(page.index, edges):
            gone.add(edge.row)
            if edge.only_number or edge.name in self._running:
                continue
            self._running.add(edge.name)
            if page.index == 0 and edge in page.edges[0]:
                self._flow.add_page(0, [], 0.0, [edge.text])
            else:
                self._last_texts.append(edge.text)
        return [row for number, row in enumerate(page.rows) if number not in gone]

    def _recognise(self, index: int) -> bool:
        """Read a page by OCR; return whether that gave text."""
        if not self._languages:
            return False
        if len(self._found.ocr_failures) >= ocr.MOST_FAILURES:
            self._found.ocr_failures[index] = "not tried after the failures before"
            return False
        try:
            paragraphs = ocr.recognise(self._render(index), self._languages)
        except (ocr.OcrError, pdfium.PdfiumError) as error:
            self._found.ocr_failures[index] = str(error)
            return False
        if paragraphs:
            self._found.recognised.append(index)
            self._flow.add_texts(index, paragraphs)
        return bool(paragraphs)

    def _render(self, index: int) -> bytes:
        """Return a page as a grey image, in the PGM format."""
        with LOCK:
            page = self._pdf[index]
            try:
                area = max(page.get_width() * page.get_height(), 1.0)
                scale = min(_OCR_SCALE, (_OCR_MOST_PIXELS / area) ** 0.5)
                bitmap = page.render(scale=scale, grayscale=True)
                try:
                    width, height, stride = bitmap.width, bitmap.height, bitmap.stride
                    pixels = bytes(bitmap.buffer)
                finally:
                    bitmap.close()
            finally:
                page.close()
        lines = [pixels[at : at + width] for at in range(0, stride * height, stride)]
        return b"P5 %d %d 255\n" % (width, height) + b"".join(lines)

    def _outline(self) -> list[Outline]:
        """Return the bookmarks that point to a page, in the order of their places."""
        found = []
        for number, bookmark in enumerate(self._pdf.get_toc()):
            if number >= _MOST_BOOKMARKS:
                break
            title = clean(bookmark.get_title())
            target = bookmark.get_dest()
            index = target.get_index() if target else None
            if not title or index is None or not 0 <= index < self._found.page_count:
                continue
            mode, view = target.get_view()
            top = None
            if mode == raw.PDFDEST_VIEW_XYZ and len(view) > 1:
                top = view[1]
            found.append(Outline(bookmark.level + 1, title, index, top))
        return sorted(found, key=lambda entry: entry.page)


def _letters(page: _Page, rows: list[layout.Row]) -> int:
    """Return the number of characters in some rows, and in the page's text of other directions."""
    runs = [run for row in rows for run in row]
    runs += [run for frame in page.content.frames[1:] for run in frame.runs]
    tables = sum(len(cell) for run in runs if run.table for row in run.table.rows for cell in row)
    return tables + sum(len("".join(run.text.split())) for run in runs)


def _lacks_text(content: PageContent, letters: int, all_letters: int) -> bool:
    """Whether a page is a scan, or empty.

    Args:
        content: What is on it.
        letters: Characters without running heads.
        all_letters: Characters with them.
    """
    if all_letters == 0:
        return True
    if content.picture_share >= _PICTURE_SHARE:
        return letters < _FEW_LETTERS
    return letters == 0 and content.picture_share > 0
