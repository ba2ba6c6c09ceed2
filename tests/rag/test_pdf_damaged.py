"""Reading PDFs: scans and OCR, damaged and locked files, several threads."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import ReadOptions
from rag.readers.pdf import ocr
from rag.readers.pdf.report import pages_in_words
from tests.rag import pdfs
from tests.rag.pdfs import LEFT, RIGHT, both, draw, lines, read

OCR = ReadOptions(ocr=True)


# Pages without text


def test_scanned_pages_between_others_are_named() -> None:
    scan = pdfs.picture("The valve opens at 6.4 bar.")
    document = read(draw(lines(*LEFT), scan, lines(*RIGHT), scan, lines()))
    assert document.missing == (
        "pages 2 and 4 have no text; they may be scans: set customrag:documentOcr to tesseract",
    )
    assert document.remarks == ("page 5 is blank",)
    end = len(document.text)
    assert document.pages == (0, len(" ".join(LEFT)) + 2, len(" ".join(LEFT)) + 2, end, end)


def test_a_scan_with_a_printed_page_number_is_named() -> None:
    scan = pdfs.picture(*["The valve opens at 6.4 bar."] * 12, x=0, y=60, width=595)
    foot = lines("Archive copy 2", y=20)
    document = read(draw(lines(*LEFT), both(scan, foot)))
    assert document.missing == (
        "page 2 is a picture with hardly any text; it may be a scan: set customrag:documentOcr to "
        "tesseract",
    )


def test_text_drawn_as_curves_is_named() -> None:
    def page(canvas: Canvas) -> None:
        canvas.bezier(100, 100, 200, 300, 300, 300, 400, 100)

    assert read(draw(lines(*LEFT), page)).missing[0].startswith("page 2 has no text")


def test_letters_that_the_font_does_not_tell_are_named() -> None:
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange\n"
        b"1 beginbfrange <20> <7E> <E020> endbfrange endcmap end end"
    )
    data = pdfs.page_of(
        b"BT /F1 12 Tf 60 700 Td (The valve opens at 6.4 bar, and not before.) Tj ET",
        b"/Helvetica /ToUnicode 6 0 R",
        pdfs.stream(cmap),
    )
    with pytest.raises(ReadError, match="fonts that do not tell their letters"):
        read(data)


def test_lost_text_that_pypdf_does_not_read_either_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(stream: object) -> None:
        raise ValueError("a damaged file")

    monkeypatch.setattr("rag.readers.pdf.drawings._is_lost", lambda *arguments: True)
    monkeypatch.setattr("pypdf.PdfReader", fails)
    document = read(draw(lines(*LEFT), lines(), lines(*RIGHT)))
    assert document.text.startswith(" ".join(LEFT))
    assert document.missing == (
        "pages 1 and 3: some text is in a font that the file does not embed and may be missing; "
        "save the PDF with its fonts",
    )


def test_a_file_of_scans_is_an_error_that_names_the_setting() -> None:
    scan = pdfs.picture("The valve opens at 6.4 bar.")
    with pytest.raises(ReadError, match=r"all 2 pages have no text; they may be .*documentOcr"):
        read(draw(scan, scan))
    with pytest.raises(ReadError, match="the only page has no text: nothing is drawn there"):
        read(draw(lines()))


@pytest.mark.parametrize(
    ("indices", "words"),
    [([1], "page 2"), ([4, 1], "pages 2 and 5"), ([0, 1, 2, 3, 8], "pages 1-4 and 9")],
)
def test_pages_in_words(indices: list[int], words: str) -> None:
    assert pages_in_words(indices) == words


# OCR


@pytest.fixture
def fake_tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a program named ``tesseract`` on PATH; it runs the file ``ocr.sh`` for each page."""
    program = tmp_path / "tesseract"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --list-langs ]; then printf "List of languages:\\neng\\n"; exit; fi\n'
        f'echo "$@" > {tmp_path}/arguments\nhead -c 2 > {tmp_path}/magic\n. {tmp_path}/ocr.sh\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    yield tmp_path


SCANNED = (lines(*LEFT), pdfs.picture("a scan"), lines(*RIGHT))


def test_ocr_reads_the_scanned_pages_and_a_remark_names_them(fake_tesseract: Path) -> None:
    (fake_tesseract / "ocr.sh").write_text("printf 'The valve opens\\nat 6.4 bar.\\n\\nNext\\f'")
    document = read(draw(*SCANNED), OCR)
    assert "The valve opens at 6.4 bar.\n\nNext" in document.text
    assert document.missing == ()
    assert document.remarks == ("page 2 was read by OCR (eng; tesseract has no data for chi_sim)",)
    assert document.text[document.pages[1] :].startswith("The valve opens")
    assert (fake_tesseract / "arguments").read_text().split() == ["stdin", "stdout", "-l", "eng"]
    assert (fake_tesseract / "magic").read_bytes() == b"P5"


def test_ocr_that_finds_nothing_or_fails_is_reported(fake_tesseract: Path) -> None:
    (fake_tesseract / "ocr.sh").write_text("true")
    assert read(draw(*SCANNED), OCR).missing == ("page 2 has no text; OCR found no text either",)
    (fake_tesseract / "ocr.sh").write_text("echo 'no memory' >&2; exit 3")
    assert read(draw(*SCANNED), OCR).missing == (
        "OCR failed on page 2: tesseract ended with exit code 3: no memory",
    )


def test_ocr_has_a_time_limit(fake_tesseract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "PAGE_TIMEOUT_SECONDS", 0.2)
    (fake_tesseract / "ocr.sh").write_text("exec sleep 30")
    [sentence] = read(draw(*SCANNED), OCR).missing
    assert sentence.startswith("OCR failed on page 2: tesseract took longer than")


def test_ocr_without_tesseract_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    [sentence] = read(draw(*SCANNED), OCR).missing
    assert sentence.startswith("page 2 has no text; OCR is on, but tesseract is not installed")
    with pytest.raises(ReadError, match="tesseract is not installed"):
        read(draw(SCANNED[1]), OCR)


def test_ocr_without_data_for_the_language_is_reported(fake_tesseract: Path) -> None:
    (fake_tesseract / "ocr.sh").write_text("true")
    [sentence] = read(draw(*SCANNED), ReadOptions(ocr=True, ocr_languages=("jpn",))).missing
    assert "tesseract has no data for jpn; it has eng" in sentence


def test_tesseract_reads_a_scan() -> None:
    try:
        ocr.languages_of(["eng"])
    except ocr.OcrError as error:
        pytest.skip(f"the test needs Tesseract with English: {error}")
    scan = pdfs.picture("Safety valve of the Cragside boiler:", "opens at 6.4 bar.")
    document = read(draw(lines(*LEFT), scan), ReadOptions(ocr=True, ocr_languages=("eng",)))
    assert "opens at 6.4 bar" in document.text


# Damaged and locked files


def test_an_empty_password_opens_and_a_password_is_an_error() -> None:
    assert read(draw(lines(*LEFT), encrypted=True)).text == " ".join(LEFT)
    with pytest.raises(ReadError, match="needs a password; save it without a password"):
        read(draw(lines(*LEFT), encrypted=True, password="x"))


def test_a_broken_list_of_objects_is_repaired() -> None:
    whole = draw(lines(*LEFT), lines(*RIGHT))
    assert read(whole.replace(b"startxref\n", b"startxref\n9")) == read(whole)


def test_of_a_file_that_is_cut_off_the_pages_that_are_there_are_read() -> None:
    pages = [f"Page {n} is about " + " ".join(LEFT) for n in "ABCDEFGH"]
    objects = pdfs.page_objects([pdfs.show(text) for text in pages])
    whole = pdfs.raw_pdf(objects)
    document = read(whole[: int(len(whole) * 0.6)])
    assert pages[0] in document.text
    assert pages[7] not in document.text
    assert document.missing[0].startswith("the file is cut off before its end")
    # Here the list of pages comes last, so that nothing is left of it.
    catalogue_last = pdfs.raw_pdf(objects, first_last=True)
    document = read(catalogue_last[: catalogue_last.index(b"/Catalog")])
    assert all(text in document.text for text in pages)


def test_a_file_that_claims_to_have_a_million_pages_is_read_quickly() -> None:
    objects = pdfs.page_objects([pdfs.show("Some text")])
    objects[1] = objects[1].replace(b"/Count 1", b"/Count 1000000")
    document = read(pdfs.raw_pdf(objects))
    assert document.text == "Some text"
    assert document.missing[0].startswith("pages 2-201 cannot be read")
    assert document.missing[0].endswith("999,799 further pages were not tried")


def test_what_is_not_a_pdf_is_an_error() -> None:
    for data in (b"%PDF-1.7 nothing more", b"no PDF at all", b"%PDF-"):
        with pytest.raises(ReadError, match="the PDF is damaged"):
            read(data)


SMALL = draw(both(lines(*LEFT, x=60), lines(*RIGHT, x=320)), pdfs.picture("a scan"))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=30
    ),
    st.integers(len(SMALL) // 8, len(SMALL)),
)
def test_a_damaged_file_is_read_or_is_a_read_error(
    changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(SMALL)
    for at, byte in changes:
        data[at] = byte
    try:
        document = read(bytes(data[:length]))
    except ReadError:
        return
    assert list(document.pages) == sorted(document.pages)
    assert all(0 <= at <= len(document.text) for at in document.pages)
    document.text.encode()


def test_bookmarks_in_a_circle_and_pages_in_a_circle_end() -> None:
    objects = pdfs.page_objects([pdfs.show("Some text")], catalogue=b"/Outlines 100 0 R")
    circle = pdfs.raw_pdf(
        [
            *objects,
            *[b"null"] * (99 - len(objects)),
            b"<< /First 101 0 R /Last 101 0 R >>",
            b"<< /Title (A) /Parent 100 0 R /Next 101 0 R /First 100 0 R /Dest [3 0 R /Fit] >>",
        ]
    )
    assert read(circle).text == "Some text"
    pages = list(objects)
    pages[1] = b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 9 >>"
    with pytest.raises(ReadError):
        read(pdfs.raw_pdf(pages[:2]))


def test_several_threads_may_read_at_once() -> None:
    data = draw(*[both(lines(*LEFT, x=60), lines(*RIGHT, x=320))] * 4)
    expected = read(data)
    found: list[Document] = []
    threads = [threading.Thread(target=lambda: found.append(read(data))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6
