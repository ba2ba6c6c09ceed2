"""Damaged files of every office format give a document or a `ReadError`, nothing else."""

from __future__ import annotations

import io
import zipfile
from functools import cache

import openpyxl
import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import ReadError
from rag.readers import read_bytes
from tests.rag.office_files import archive, paragraph, row, run, table, word
from tests.rag.test_read_epub import files
from tests.rag.test_read_mail import mail
from tests.rag.test_read_odf import cells, odf
from tests.rag.word_files import CHANGED, NUMBERING, PICTURE, STYLES, field, listed

SUFFIXES = ("docx", "pptx", "xlsx", "epub", "odt", "ods", "eml")
ARCHIVES = SUFFIXES[:-1]
FUZZ = settings(deadline=None, max_examples=60, derandomize=True, database=None)


@cache
def valid(suffix: str) -> bytes:
    """Return a file with much of what its format has."""
    if suffix == "docx":
        body = paragraph(CHANGED) + listed("a", 2) + table(row("a", "b"), row("c", "d"))
        body += paragraph(run("n") + '<w:r><w:footnoteReference w:id="1"/></w:r>' + PICTURE)
        body += paragraph(
            field("REF a", run("part")) + "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>"
        )
        note = f'<w:footnote w:id="1">{paragraph("Note.")}</w:footnote>'
        return word(body, styles=STYLES, numbering=NUMBERING, footnotes=note)
    if suffix == "epub":
        return archive(files())
    if suffix == "odt":
        body = "<text:h>A</text:h><text:p>b<text:s text:c='2'/></text:p>"
        return odf("text", f"{body}<table:table>{cells('a', 'b')}</table:table>")
    if suffix == "ods":
        repeat = (
            "<table:table-row table:number-rows-repeated='2'><table:table-cell/></table:table-row>"
        )
        return odf("spreadsheet", f"<table:table>{cells('a', 'b')}{repeat}</table:table>")
    if suffix == "eml":
        message = mail()
        message.add_alternative("<p>Hello.</p>", subtype="html")
        message.add_attachment(valid("docx"), "application", "x", filename="a.docx")
        return message.as_bytes()
    out = io.BytesIO()
    if suffix == "pptx":
        slides = pptx.Presentation()
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text = "Title"
        slide.shapes.add_table(2, 2, 0, 0, 9, 9).table.cell(0, 0).text = "cell"
        slides.save(out)
    else:
        book = openpyxl.Workbook()
        book.active.append(["a", 1.5, True])
        book.active.cell(2, 2, 45000.5).number_format = "yyyy-mm-dd h:mm"
        book.save(out)
    return out.getvalue()


def read_parts(parts: dict[str, bytes]) -> list[str]:
    """Return the names of the parts that a reader opens."""
    unread = ("theme", "slideMaster", "slideLayout", "thumbnail", "app.xml", "printer", "mimetype")
    return [name for name in sorted(parts) if not any(word in name for word in unread)]


def check(suffix: str, data: bytes) -> None:
    try:
        document = read_bytes(f"docs/a.{suffix}", data)
    except ReadError as error:
        assert error.reason
        assert "\n" not in error.reason
        # The reader itself says what is wrong; nothing was raised by accident.
        assert error.__cause__ is None or isinstance(error.__cause__, ReadError)
    else:
        document.text.encode()
        assert document.text.strip()
        assert document.title.strip()
        assert all(s.start <= s.end <= len(document.text) for s in document.sections)
        assert all(b.start < b.end <= len(document.text) for b in document.blocks)


@pytest.mark.parametrize("suffix", SUFFIXES)
@FUZZ
@given(data=st.binary(max_size=300), start=st.sampled_from([b"", b"PK\x03\x04", b"Subject: a\n"]))
def test_random_bytes(suffix: str, data: bytes, start: bytes) -> None:
    check(suffix, start + data)


@pytest.mark.parametrize("suffix", SUFFIXES)
@FUZZ
@given(
    cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=8)
)
def test_files_that_are_cut_off_or_have_wrong_bits(
    suffix: str, cut: float, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(valid(suffix))
    for at, mask in flips:
        data[int(at * (len(data) - 1))] ^= mask
    check(suffix, bytes(data[: int(cut * len(data))] if not flips else data))


@pytest.mark.parametrize("suffix", ARCHIVES)
@FUZZ
@given(data=st.data())
def test_archives_whose_parts_have_wrong_bytes(suffix: str, data: st.DataObject) -> None:
    """Changes parts before they are packed, so that the checksums are right."""
    with zipfile.ZipFile(io.BytesIO(valid(suffix))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    name = data.draw(st.sampled_from(read_parts(parts)))
    at = data.draw(st.integers(0, len(parts[name])))
    length = data.draw(st.integers(0, 40))
    new = data.draw(
        st.sampled_from([b"", b"\x00", b"<", b'"', b"99999999999", b"-1", b"&x;", b"\xff"])
    )
    changed = parts[name][:at] + new + parts[name][at + length :]
    check(suffix, archive({**parts, name: changed}))


@pytest.mark.parametrize("suffix", ARCHIVES)
@FUZZ
@given(
    value=st.sampled_from(["", "-1", "0", "x", "9" * 40, "1e999", "²", "NaN", "\u0663"]),
    data=st.data(),
)
def test_archives_with_wrong_values(suffix: str, value: str, data: st.DataObject) -> None:
    """Changes one attribute's value or one text in one part."""
    with zipfile.ZipFile(io.BytesIO(valid(suffix))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    name = data.draw(st.sampled_from(read_parts(parts)))
    mark = data.draw(st.sampled_from('">'))
    pieces = parts[name].decode().split(mark)
    at = data.draw(st.integers(0, len(pieces) - 1))
    pieces[at] = value if mark == '"' else value + pieces[at]
    check(suffix, archive({**parts, name: mark.join(pieces).encode()}))
