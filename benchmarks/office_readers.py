"""Compares readers of Word files on one construct each, and the speed of long files.

The Word files show what a reader loses: each has one construct, and counts as read if the text is
what Word shows with all changes accepted. The figures of docs/adr/0016 come from here.

Usage, in an environment that also has mammoth and docx2python:

    python -m benchmarks.office_readers
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from rag.readers import read_bytes
from tests.rag.office_files import archive, cell, paragraph, row, run, table, word
from tests.rag.word_files import CHANGED, NUMBERING, PICTURE, field, listed

_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_CONTROL = "<w:sdt>{}<w:sdtContent>{}</w:sdtContent></w:sdt>"
_HEADER = '<w:sectPr><w:headerReference w:type="default" r:id="header1"/></w:sectPr>'
_NOTE = '<w:r><w:footnoteReference w:id="1"/></w:r>'


def _text_box() -> str:
    box = f"<w:txbxContent>{paragraph('boxed')}</w:txbxContent>"
    return (
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor><a:graphic>"
        f"<a:graphicData><wps:wsp><wps:txbx>{box}</wps:txbx></wps:wsp></a:graphicData></a:graphic>"
        "</wp:anchor></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>"
        f"{box}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


def _damaged() -> bytes:
    with zipfile.ZipFile(io.BytesIO(word(paragraph("body"), footnotes=""))) as source:
        parts: dict[str, str | bytes] = {name: source.read(name) for name in source.namelist()}
    return archive({**parts, "word/footnotes.xml": b"\x00"})


def _cases() -> Mapping[str, tuple[bytes, Callable[[str], bool]]]:
    """Return name -> (file, whether a text is right)."""
    moved = '<w:moveFrom w:id="1">{0}</w:moveFrom>', '<w:moveTo w:id="2">{0}</w:moveTo>'
    gone = '<w:rPr><w:del w:id="1"/></w:rPr>'
    inner = cell(paragraph("o") + table(row("in", "ner")))
    prompt = _CONTROL.format("<w:sdtPr><w:showingPlcHdr/></w:sdtPr>", run("Click here"))
    old = row("old", "x", properties='<w:del w:id="1"/>')
    wide = row(cell("wide", '<w:gridSpan w:val="3"/>'))
    tall = row(cell("tall", '<w:vMerge w:val="restart"/>'), "b")
    formula = "<m:oMath><m:r><m:t>E=mc</m:t></m:r></m:oMath>"
    symbol = '<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>'
    hyphen = "<w:r><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t></w:r>"
    controls = _CONTROL.format("", paragraph("block")) + paragraph(_CONTROL.format("", run("line")))
    move = "".join(paragraph(mark.format(run("moved"))) for mark in moved)
    note = f'<w:footnote w:id="1">{paragraph("below")}</w:footnote>'
    lists = "".join(listed(f"item{number}", 2) for number in range(3))
    return {
        "insertion": (
            word(paragraph(CHANGED)),
            lambda t: "every 320 hours" in t and "500" not in t,
        ),
        "moved text": (word(move), lambda t: t.count("moved") == 1),
        "deleted paragraph mark": (
            word(paragraph("One ", gone) + paragraph("two.")),
            lambda t: "One two." in t,
        ),
        "deleted row": (
            word(table(old, row("new", "y"))),
            lambda t: "new" in t and "old" not in t,
        ),
        "text box": (word(paragraph(_text_box())), lambda t: t.count("boxed") == 1),
        "content control": (word(controls), lambda t: "block" in t and "line" in t),
        "prompt": (
            word(paragraph(prompt) + paragraph("b")),
            lambda t: "Click" not in t and "b" in t,
        ),
        "header": (
            word(paragraph("b") + _HEADER, header1=paragraph("above")),
            lambda t: t.count("above") == 1,
        ),
        "footnote": (word(paragraph(run("b") + _NOTE), footnotes=note), lambda t: "below" in t),
        "cell over columns": (
            word(table(wide, row("a", "b", "c"))),
            lambda t: t.count("wide") == 1,
        ),
        "cell over rows": (
            word(table(tall, row(cell("", "<w:vMerge/>"), "c"))),
            lambda t: t.count("tall") == 1,
        ),
        "table in a cell": (
            word(table(row(inner, "x"), row("y", "z"))),
            lambda t: "in" in t and "ner" in t,
        ),
        "hidden text": (
            word(paragraph(run("Seen") + run("secret", "<w:vanish/>"))),
            lambda t: "secret" not in t and "Seen" in t,
        ),
        "page number": (
            word(paragraph(run("p. ") + field("PAGE", run("77")))),
            lambda t: "77" not in t and "p." in t,
        ),
        "list number": (word(lists, numbering=NUMBERING), lambda t: "c)" in t),
        "formula": (word(paragraph(formula)), lambda t: "E=mc" in t),
        "symbol": (word(paragraph(symbol) + paragraph("x")), lambda t: "α" in t),
        "description": (
            word(paragraph(PICTURE.format(' descr="Plan of hall"')) + paragraph("x")),
            lambda t: "Plan of hall" in t,
        ),
        "hyphen": (word(paragraph(hyphen)), lambda t: any(f"a{h}b" in t for h in "-\u2011")),
        "damaged part": (_damaged(), lambda t: "body" in t),
    }


def _python_docx(data: bytes) -> str:
    import docx
    from docx.table import Table

    parts = docx.Document(io.BytesIO(data)).iter_inner_content()
    return "\n".join(
        str([[c.text for c in r.cells] for r in part.rows])
        if isinstance(part, Table)
        else part.text
        for part in parts
    )


def _mammoth(data: bytes) -> str:
    import mammoth

    return str(mammoth.convert_to_html(io.BytesIO(data)).value)


def _docx2python(data: bytes) -> str:
    from docx2python import docx2python

    return str(docx2python(io.BytesIO(data)).text)


_READERS: Mapping[str, Callable[[bytes], str]] = {
    "python-docx": _python_docx,
    "mammoth": _mammoth,
    "docx2python": _docx2python,
    "rag.readers": lambda data: read_bytes("docs/a.docx", data).text,
}


def _with_types(data: bytes) -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as target:
        target.writestr("[Content_Types].xml", _TYPES)
    return out.getvalue()


def _outcome(read: Callable[[bytes], str], data: bytes, right: Callable[[str], bool]) -> str:
    try:
        return "yes" if right(read(_with_types(data))) else "no"
    except Exception as error:  # noqa: BLE001 - any failure of a reader is an outcome
        return type(error).__name__


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _speed() -> None:
    import openpyxl

    sentence = run("The hydraulic oil of unit 7 is renewed ") + run("every 320 hours", "<w:b/>")
    body = "".join(paragraph(sentence) for _ in range(30_000))
    body += "".join(table(*[row("a", "b", "c", "d") for _ in range(50)]) for _ in range(100))
    data = word(body)
    print(f"Word, {len(body):,} characters of XML:")
    print(f"  rag.readers {_seconds(lambda: read_bytes('docs/a.docx', data)):.1f} s")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("S")
    for number in range(50_000):
        sheet.append([f"part {number}", number * 1.5, "text", number, *"xy", number / 7, *"zwv"])
    out = io.BytesIO()
    book.save(out)

    def with_openpyxl() -> int:
        read = openpyxl.load_workbook(out, read_only=True, data_only=True)
        return sum(1 for _ in read.active.iter_rows(values_only=True))

    print("Excel, 500,000 cells:")
    print(f"  rag.readers {_seconds(lambda: read_bytes('docs/a.xlsx', out.getvalue())):.1f} s")
    print(f"  openpyxl    {_seconds(with_openpyxl):.1f} s")


def main() -> None:
    """Print both tables."""
    print(" | ".join(["construct", *_READERS]))
    right = dict.fromkeys(_READERS, 0)
    cases = _cases()
    for name, (data, is_right) in cases.items():
        outcomes = {reader: _outcome(read, data, is_right) for reader, read in _READERS.items()}
        for reader, outcome in outcomes.items():
            right[reader] += outcome == "yes"
        print(" | ".join([name, *outcomes.values()]))
    print(" | ".join([f"read, of {len(cases)}", *map(str, right.values())]))
    _speed()


if __name__ == "__main__":
    main()
