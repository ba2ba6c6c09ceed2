"""Says which parts of a PDF could not be read, in sentences for `Document.missing` and remarks.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rag.readers.pdf.parts import PageContent

__all__ = ["Found", "missing", "no_text", "pages_in_words", "remarks"]


@dataclass(slots=True, kw_only=True)
class Found:
    """The state of OCR and the pages with each problem; pages by index.

    Attributes:
        page_count: Number of pages.
        ocr: Whether OCR is switched on.
        ocr_languages: Languages that it uses.
        ocr_languages_missing: Languages that are configured, and that Tesseract has no data for.
        ocr_error: Why it cannot be used, "" if it can.
        without_text: Pages with drawings or pictures only.
        pictures: Pages with a large picture and next to no text.
        unreadable: Pages whose font does not tell its letters.
        incomplete: Pages with text that neither PDFium nor pypdf gives out.
        blank: Pages on which nothing is drawn.
        recognised: Pages read by OCR.
        ocr_failures: Pages on which OCR failed, and why.
        errors: Pages that cannot be opened, and why.
        not_tried: Number of further pages that the file claims to have.
        crowded: Pages with too many annotations to read.
        attachments: Number of attached files.
        xfa: Whether the form is a dynamic XFA form, whose text is not in the pages.
        cut_off: Whether the file ends before its end mark.
    """

    page_count: int
    ocr: bool
    ocr_languages: tuple[str, ...] = ()
    ocr_languages_missing: tuple[str, ...] = ()
    ocr_error: str = ""
    without_text: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    incomplete: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    recognised: list[int] = field(default_factory=list)
    ocr_failures: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    not_tried: int = 0
    crowded: list[int] = field(default_factory=list)
    attachments: int = 0
    xfa: bool = False
    cut_off: bool = False

    def note_without_text(self, page: int, content: PageContent, letters: int) -> None:
        """Note a page whose text could not be read."""
        if page in self.ocr_failures:
            return
        if content.unreadable_share and letters:
            self.unreadable.append(page)
        elif content.blank:
            self.blank.append(page)
        elif letters:
            self.pictures.append(page)
        else:
            self.without_text.append(page)


def pages_in_words(indices: Iterable[int]) -> str:
    """Return "page 2" or "pages 2, 4-6 and 9"; numbers count from 1."""
    numbers = sorted({index + 1 for index in indices})
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    words: list[str] = []
    for first, last in ranges:
        if last - first < 2:
            words.extend(map(str, range(first, last + 1)))
        else:
            words.append(f"{first}-{last}")
    joined = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    return f"{'page' if len(numbers) == 1 else 'pages'} {joined}"


def no_text(found: Found) -> str:
    """Return the reason for a document without any text."""
    if found.errors:
        return f"the PDF is damaged: {_with_reasons(found.errors, 'cannot be read')}"
    if found.cut_off:
        return "the PDF is damaged: it is cut off before its end, and no page has text"
    pages = "the only page has" if found.page_count == 1 else f"all {found.page_count} pages have"
    if found.ocr_failures:
        return f"{pages} no text; {_with_reasons(found.ocr_failures, 'OCR failed on', after=True)}"
    if found.unreadable:
        return f"{pages} fonts that do not tell their letters; {_advice(found, found.unreadable)}"
    if len(found.blank) == found.page_count:
        return f"{pages} no text: nothing is drawn there"
    return f"{pages} no text; {_advice(found, range(found.page_count))}"


def missing(found: Found) -> Iterator[str]:
    """Yield a sentence for each part that was not read."""
    if found.errors:
        further = f"; {found.not_tried:,} further pages were not tried" if found.not_tried else ""
        yield _with_reasons(found.errors, "cannot be read") + further
    if found.cut_off:
        empty = f"; {pages_in_words(found.blank)} came out empty" if found.blank else ""
        yield f"the file is cut off before its end, so that text may be missing{empty}"
    for pages, one, many in (
        (found.without_text, "has no text", "have no text"),
        (found.pictures, "is a picture with hardly any text", "are pictures with hardly any text"),
        (found.unreadable, "has a font that does not tell its letters",
         "have fonts that do not tell their letters"),
    ):  # fmt: skip
        if pages:
            what = one if len(pages) == 1 else many
            yield f"{pages_in_words(pages)} {what}; {_advice(found, pages)}"
    if found.incomplete:
        yield (
            f"{pages_in_words(found.incomplete)}: some text is in a font that the file does not "
            f"embed and may be missing; save the PDF with its fonts"
        )
    if found.ocr_failures:
        yield _with_reasons(found.ocr_failures, "OCR failed on", after=True)
    if found.xfa:
        yield "the form is an XFA form, which is not read; print it to a PDF and use that"
    if found.crowded:
        yield f"{pages_in_words(found.crowded)}: too many comments or fields; the last are not read"


def remarks(found: Found) -> Iterator[str]:
    """Yield what a reader of the report should know although nothing is missing."""
    if found.recognised:
        languages = "+".join(found.ocr_languages)
        verb = "were" if len(found.recognised) > 1 else "was"
        lacking = " ".join(found.ocr_languages_missing)
        lacking = f"; tesseract has no data for {lacking}" if lacking else ""
        yield f"{pages_in_words(found.recognised)} {verb} read by OCR ({languages}{lacking})"
    if found.blank and not found.cut_off:
        yield f"{pages_in_words(found.blank)} {'are' if len(found.blank) > 1 else 'is'} blank"
    if found.attachments:
        files = "file is" if found.attachments == 1 else "files are"
        yield (
            f"{found.attachments} attached {files} not read; add attachments as documents of "
            f"their own"
        )


def _advice(found: Found, pages: Iterable[int]) -> str:
    """Return why OCR did not help, or that it might."""
    if found.ocr_error:
        return f"OCR is on, but {found.ocr_error}"
    if found.ocr:
        return "OCR found no text either"
    they = "they may be scans" if len(list(pages)) > 1 else "it may be a scan"
    return f"{they}: set customrag:documentOcr to tesseract"


def _with_reasons(pages: Mapping[int, str], what: str, *, after: bool = False) -> str:
    """Return a sentence about pages and the reasons that they have, each reason once."""
    words = f"{what} {pages_in_words(pages)}" if after else f"{pages_in_words(pages)} {what}"
    return f"{words}: {'; '.join(sorted(set(pages.values())))[:200]}"
