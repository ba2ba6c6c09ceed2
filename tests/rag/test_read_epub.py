"""Books: chapters in reading order, their names, and copy protection."""

from __future__ import annotations

import pytest

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes
from tests.rag.office_files import archive

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)


def page(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/></head><body>{body}</body></html>"
    )


def files(**extra: str | bytes) -> dict[str, str | bytes]:
    """Return a book whose spine is two, one; `extra` replaces parts below OEBPS."""
    items = "".join(
        f'<item id="{name}" href="{href}" media-type="application/xhtml+xml"{more}/>'
        for name, href, more in (
            ("one", "text/one.xhtml", ""),
            ("two", "text/t%77o.xhtml", ""),
            ("nav", "nav.xhtml", ' properties="nav"'),
        )
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The  Book</dc:title></metadata>'
        f'<manifest>{items}</manifest><spine><itemref idref="nav"/><itemref idref="two"/>'
        '<itemref idref="one"/></spine></package>'
    )
    nav = page('<nav><ol><li><a href="text/one.xhtml#top">First <b>part</b></a></li></ol></nav>')
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": package,
        "OEBPS/nav.xhtml": nav,
        "OEBPS/text/one.xhtml": page("<p>It begins.</p>"),
        "OEBPS/text/two.xhtml": page("<h1>Preface</h1><p>Before it.</p><h2>Thanks</h2><p>All.</p>"),
    }
    return parts | extra


def read(parts: dict[str, str | bytes]) -> Document:
    return read_bytes("docs/a.epub", archive(parts))


def test_chapters_are_read_in_the_order_of_the_spine_with_their_names() -> None:
    document = read(files())
    assert document.title == "The Book"
    assert document.text == ("Preface\n\nBefore it.\n\nThanks\n\nAll.\n\nFirst part\n\nIt begins.")
    assert [section.heading for section in document.sections] == [
        "Preface",
        "Preface > Thanks",
        "First part",
    ]
    assert document.text[document.sections[1].start :].startswith("Thanks")


def test_an_old_table_of_contents_names_the_chapters() -> None:
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Start'
        '</text></navLabel><content src="text/one.xhtml"/></navPoint></navMap></ncx>'
    )
    parts = files()
    package = str(parts["OEBPS/book.opf"]).replace(' properties="nav"', "")
    package = package.replace('<itemref idref="nav"/>', "").replace("<spine>", '<spine toc="ncx">')
    package = package.replace(
        "</manifest>", '<item id="ncx" href="toc.ncx" media-type="x"/></manifest>'
    )
    document = read(parts | {"OEBPS/book.opf": package, "OEBPS/toc.ncx": ncx})
    assert document.sections[-1].heading == "Start"


def test_tables_keep_their_place() -> None:
    table = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    document = read(files(**{"OEBPS/text/one.xhtml": page(f"<p>x</p>{table}")}))
    (block,) = document.blocks
    assert document.text[block.start : block.end] == "a | b\n1 | 2"
    assert block.header is not None
    assert document.text[slice(*block.header)] == "a | b"


@pytest.mark.parametrize("method", ["http://www.w3.org/2001/04/xmlenc#aes128-cbc", "unknown"])
def test_copy_protection_is_refused(method: str) -> None:
    with pytest.raises(ReadError, match="copy protection"):
        read(files(**{"META-INF/encryption.xml": encryption(method)}))


def encryption(method: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        f'<e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptionMethod '
        f'Algorithm="{method}"/></e:EncryptedData></encryption>'
    )


def test_a_book_with_garbled_fonts_only_is_read() -> None:
    parts = files(**{"META-INF/encryption.xml": encryption("http://www.idpf.org/2008/embedding")})
    assert "It begins." in read(parts).text


def test_a_missing_chapter_is_reported() -> None:
    parts = files()
    del parts["OEBPS/text/two.xhtml"]
    document = read(parts)
    assert document.text == "First part\n\nIt begins."
    assert document.missing == ("The part OEBPS/text/two.xhtml is not in the file.",)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"a.txt": "text"}, "a ZIP archive, but not an EPUB"),
        (files(**{"OEBPS/book.opf": b"\x00"}), "cannot be read"),
        (
            files(
                **{
                    "OEBPS/text/one.xhtml": page("<img src='a.png'/>"),
                    "OEBPS/text/two.xhtml": page(""),
                }
            ),
            "no text, only pictures",
        ),
    ],
)
def test_a_file_that_is_not_a_book_says_why(parts: dict[str, str | bytes], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(parts)
