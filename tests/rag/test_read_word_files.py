"""The files of Word documents: their kinds, damaged ones, and files that are something else."""

from __future__ import annotations

import io
import zipfile

import pytest

from rag.errors import ReadError
from rag.readers import read_bytes
from tests.rag.office_files import archive, cell, paragraph, part, row, run, table, word
from tests.rag.word_files import CHANGED, read


@pytest.mark.parametrize("suffix", ["docm", "dotx", "dotm", "DOCX"])
def test_templates_and_documents_with_macros_are_read(suffix: str) -> None:
    assert read_bytes(f"docs/a.{suffix}", word(paragraph("Text."))).text == "Text."


def test_strict_open_xml_is_read() -> None:
    plain = word(paragraph(CHANGED))
    parts = {}
    with zipfile.ZipFile(io.BytesIO(plain)) as source:
        for name in source.namelist():
            parts[name] = (
                source.read(name)
                .replace(
                    b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                    b"http://purl.oclc.org/ooxml/wordprocessingml/main",
                )
                .replace(
                    b"http://schemas.openxmlformats.org/officeDocument/2006/",
                    b"http://purl.oclc.org/ooxml/officeDocument/",
                )
            )
    assert read_bytes("docs/a.docx", archive(parts)).text == "every 320 hours"


def test_a_damaged_part_costs_only_itself() -> None:
    good = word(
        paragraph(run("Text.") + '<w:r><w:footnoteReference w:id="1"/></w:r>'),
        footnotes=f'<w:footnote w:id="1">{paragraph("Note.")}</w:footnote>',
    )
    with zipfile.ZipFile(io.BytesIO(good)) as source:
        parts: dict[str, str | bytes] = {name: source.read(name) for name in source.namelist()}
    parts["word/footnotes.xml"] = b"\x00\x01"
    document = read_bytes("docs/a.docx", archive(parts))
    assert document.text == "Text."
    assert document.missing[0].startswith("The part word/footnotes.xml is damaged")
    del parts["word/footnotes.xml"]
    document = read_bytes("docs/a.docx", archive(parts))
    assert document.missing == ("The part word/footnotes.xml is not in the file.",)


def test_a_body_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = part(
        "w:document", "<w:body>" + paragraph("First.") + paragraph("Second.") + "</w:body>"
    )
    files = {"word/document.xml": whole[: whole.index("Second") + 3]}
    document = read_bytes("docs/a.docx", archive(files))
    assert document.text == "First.\n\nSec"
    assert document.missing[0].startswith("The part word/document.xml is damaged and read in part")


def test_deep_nesting_is_read_as_far_as_the_parser_goes() -> None:
    body = "x"
    for _ in range(200):
        body = table(row(cell(paragraph("level") + (paragraph(body) if body == "x" else body))))
    document = read(body)
    assert document.text.count("level") > 50
    assert "Excessive depth" in document.missing[0]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{\\rtf1 text}", "is not a DOCX"),
        (OLE + bytes(600), "Office 97 to 2003; open it there and save it as DOCX"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "encrypted; save it without"),
        (word(paragraph("Text."))[:-30], "damaged or was cut off"),
        (archive({"a.txt": "text"}), "a ZIP archive, but not a DOCX"),
        (archive({"word/document.xml": part("w:other", "")}), "no Word document in it"),
        (archive({"word/document.xml": "no XML"}), "cannot be read"),
        (word(paragraph("")), "no text"),
    ],
)
def test_a_file_that_is_not_a_word_document_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read_bytes("docs/a.docx", data)


def test_an_archive_that_fills_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.archive._MAX_UNPACKED_BYTES", 2**20)
    with pytest.raises(ReadError, match="bytes unpacked; the limit is 1,048,576"):
        read_bytes("docs/a.docx", archive({"word/document.xml": bytes(2**20), "b": b"x"}))


def test_a_part_that_is_too_long_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.archive.MAX_PART_BYTES", 2000)
    note = f'<w:footnote w:id="1">{paragraph("Note." * 1000)}</w:footnote>'
    reference = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    document = read(paragraph(run("Text.") + reference), footnotes=note)
    assert document.text == "Text."
    assert "word/footnotes.xml is not read: it has" in document.missing[0]
