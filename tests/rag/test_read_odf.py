"""OpenDocument texts, sheets and slides."""

from __future__ import annotations

import pytest

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes
from tests.rag.office_files import archive

NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "style": "style",
        "svg": "svg-compatible",
        "presentation": "presentation",
    }.items()
)


def odf(kind: str, body: str, **parts: str) -> bytes:
    content = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return archive(
        {"content.xml": f"<office:document-content {NAMES}>{content}</office:document-content>"}
        | {f"{name}.xml": f"<office:x {NAMES}>{text}</office:x>" for name, text in parts.items()}
    )


def read(body: str, kind: str = "text", **parts: str) -> Document:
    suffix = {"text": "odt", "spreadsheet": "ods", "presentation": "odp"}[kind]
    return read_bytes(f"docs/a.{suffix}", odf(kind, body, **parts))


def cells(*texts: str) -> str:
    inner = (f"<table:table-cell><text:p>{t}</text:p></table:table-cell>" for t in texts)
    return f"<table:table-row>{''.join(inner)}</table:table-row>"


def test_headings_lists_changes_notes_and_signs() -> None:
    document = read(
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Gone.</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        '<text:h text:outline-level="1">Care</text:h><text:h text:outline-level="2">Oil</text:h>'
        '<text:p>Every<text:s text:c="2"/>320 <text:span>hours</text:span><text:tab/>x'
        "<office:annotation><text:p>Really?</text:p></office:annotation>"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>A note.</text:p></text:note-body></text:note>, always.</text:p>"
        "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
        "<text:section><text:p>In <text:a>a link</text:a> on <text:page-number>7</text:page-number>"
        "</text:p></text:section>"
    )
    assert document.text == (
        "Care\n\nOil\n\nEvery  320 hours\tx, always.\n\nA note.\n\n- one\n\nIn a link on"
    )
    assert [section.heading for section in document.sections] == ["Care", "Care > Oil"]
    assert document.remarks == ("Comments by reviewers are not read: 1.",)


def test_tables_merged_cells_and_tables_in_cells() -> None:
    inner = f"<table:table>{cells('hall 3', '51 weeks')}</table:table>"
    document = read(
        "<table:table><table:table-column/><table:table-header-rows>"
        '<table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>Filters'
        "</text:p></table:table-cell><table:covered-table-cell/></table:table-row>"
        + cells("Line", "Interval")
        + "</table:table-header-rows><table:table-row><table:table-cell><text:p>H13</text:p>"
        f"</table:table-cell><table:table-cell>{inner}</table:table-cell></table:table-row>"
        "</table:table>"
    )
    assert document.text == "Filters\nLine | Interval\nH13 | hall 3: 51 weeks"
    header = document.blocks[0].header
    assert header is not None
    assert document.text[slice(*header)] == "Filters\nLine | Interval"


def test_text_boxes_and_pictures() -> None:
    document = read(
        "<text:p>Before<draw:frame><draw:text-box><text:p>Boxed.</text:p></draw:text-box>"
        "</draw:frame>.</text:p>"
        "<text:p><draw:frame><draw:image/><svg:desc>Plan of hall 3</svg:desc></draw:frame></text:p>"
        "<text:p><draw:frame><draw:image/></draw:frame><draw:frame><draw:object/></draw:frame></text:p>"
    )
    assert document.text == "Before.\n\nBoxed.\n\nPlan of hall 3"
    assert document.remarks == ("Pictures without a description, whose content is not read: 1.",)
    assert document.missing == ("Embedded objects are not read: 1.",)


def test_headers_and_footers_are_read_once() -> None:
    header = "<style:header><text:p>Form 12</text:p></style:header>"
    page = f"<style:master-page>{header}</style:master-page>"
    document = read("<text:p>Text.</text:p>", styles=page + page)
    assert document.text == "Text.\n\nForm 12"


def test_sheets_are_sections_and_repeated_empty_cells_cost_nothing() -> None:
    cell = '<table:table-cell table:number-columns-repeated="16384"/>'
    empty = f'<table:table-row table:number-rows-repeated="1048000">{cell}</table:table-row>'
    document = read(
        f'<table:table table:name="Parts">{cells("Part", "Price")}{cells("Seal", "3.00 €")}{empty}'
        f'{cells("last", "row")}</table:table><table:table table:name="Empty"/>',
        kind="spreadsheet",
    )
    assert document.text.startswith("Parts\n\nPart | Price\nSeal | 3.00 €")
    assert "last | row" in document.text
    assert [section.heading for section in document.sections] == ["Parts"]


def test_repeated_cells_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.odf._MAX_CELLS", 6)
    cell = (
        "<table:table-cell table:number-columns-repeated='3'><text:p>x</text:p></table:table-cell>"
    )
    rows = f'<table:table-row table:number-rows-repeated="900">{cell}</table:table-row>' * 2
    document = read(f'<table:table table:name="S">{rows}</table:table>', kind="spreadsheet")
    assert document.text == "S\n\nx | x | x\nx | x | x"
    assert document.missing == ("Only the first 6 cells are read. Split the file.",)


def test_slides_are_pages() -> None:
    def frame(text: str, kind: str = "") -> str:
        look = f' presentation:class="{kind}"' if kind else ""
        return (
            f"<draw:frame{look}><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"
        )

    document = read(
        f"<draw:page>{frame('Body')}{frame('Title', 'title')}"
        f"<presentation:notes>{frame('Spoken')}</presentation:notes></draw:page>"
        f"<draw:page><draw:g>{frame('Grouped')}</draw:g></draw:page>",
        kind="presentation",
    )
    assert document.text == "Title\n\nBody\n\nSpoken\n\nGrouped"
    assert [document.text[at : at + 5] for at in document.pages] == ["Title", "Group"]
    assert [section.heading for section in document.sections] == ["Title", "Slide 2"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"text", "is not a.? OpenDocument"),
        (archive({"a.txt": "x"}), "but not an OpenDocument file"),
        (odf("text", ""), "no text"),
        (archive({"content.xml": "no XML"}), "cannot be read"),
        (
            archive({"META-INF/manifest.xml": "<m xmlns='u'><encryption-data/></m>"}),
            "encrypted",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read_bytes("docs/a.odt", data)
