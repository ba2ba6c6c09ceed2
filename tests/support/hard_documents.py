"""A corpus of documents that readers get wrong, with questions that only a right reading answers.

Owns invented content, a file of each kind. What it cannot prove: that files of real programs look
the same; they are made by python-docx and by hand.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docx
from docx.oxml import parse_xml

__all__ = ["ASKED", "NOT_IN_DOCUMENTS", "Asked", "pdf", "write", "write_odd_names"]

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_LONG_NAME_BYTES = 255


@dataclass(frozen=True)
class Asked:
    """A question, and what its answer says; `document` is the cited document."""

    question: str
    answer: str
    document: str


ASKED: Sequence[Asked] = (
    Asked("Every how many hours is the oil of the Halden press renewed?", "340", "press.docx"),
    Asked("Which grade does the back gauge of the Halden press take?", "ISO VG 46", "press.docx"),
    Asked(
        "What is the interval of the H14 panel of the Malmo air plant in hall 5?",
        "53 weeks",
        "filters.docx",
    ),
    Asked("How many days of leave do staff of Corrib Works have?", "29 days", "leave.html"),
    Asked(
        "With which torque is the keel foot of the Tamsin dinghy tightened?", "77 Nm", "torque.html"
    ),
    Asked("Where was the stopcock of the Tamsin depot moved to?", "cellar D", "log.html"),
    Asked("What is the tested head of pump BX-047?", "65", "pumps.md"),
    Asked("What is wrong with the seal of the Mellon KV-311?", "ethanol", "recalls.json"),
    Asked("Which kettle is to be sent back?", "TK-4", "recalls.json"),
    Asked("At how many degrees does the Ormond kiln hold?", "970", "kiln.pdf"),
    Asked("On which day is the Ormond kiln fired?", "Tuesdays", "chat.json"),
    Asked("青石泵站的备用钥匙放在哪里？", "四号柜", "utf16.txt"),
    Asked("白沙泵站的备用钥匙放在哪里？", "六号柜", "gb18030.txt"),
    Asked(
        "At what flow is the overflow of the Wells classifier opened?", "16 litres", "manual.pdf"
    ),
    Asked(
        "Above which accumulator temperature must the Wells classifier not be run?",
        "63 degrees",
        "manual.pdf",
    ),
    Asked(
        "Who may carry out the yearly inspection of a vessel at Dunlow?",
        "a technician of class D who has held the licence for at least six years",
        "vessels.pdf",
    ),
    Asked("How often is the Keppel substation walked through?", "35 hours", "long"),
    Asked("青岚Q5的保修期有多长？", "四十五个月", "q5.md"),
    Asked("青岚Q5出现代码E9是什么意思？", "湿度传感器断线", "q5.md"),
    Asked("青岚Q5的水箱容量是多少？", "六点五升", "q5.md"),
)

NOT_IN_DOCUMENTS = "青岚Q5的噪音是多少分贝？"
"""The documents name the device, and not what the question asks."""


def write(corpus: Path) -> None:
    """Add the documents to a corpus, and three questions whose answers run over a line's end."""
    docs = corpus / "docs"
    _write_word(docs)
    _write_html(docs)
    _write_records(docs)
    _write_text(docs)
    _write_pdf(docs)
    with (corpus / "questions.jsonl").open("a", encoding="utf-8") as file:
        for number, (question, answer) in enumerate(
            (
                ("How often may a box of the Fenn archive be renewed?", "may be renewed twice"),
                (
                    "When is the reading room of the Fenn archive open?",
                    "from nine in the morning to half past four in the afternoon",
                ),
                ("For how long is a box of the Fenn archive lent?", "ten days"),
            )
        ):
            row = {"id": f"archive-{number}", "document": "archive.pdf", "split": "train"}
            file.write(json.dumps({**row, "question": question, "answer": answer}) + "\n")


def write_odd_names(corpus: Path) -> tuple[str, bytes]:
    """Add a name of 255 bytes, and one that is not UTF-8; return both."""
    longest = "long-" + "k" * (_LONG_NAME_BYTES - len("long-.md")) + ".md"
    text = "# Keppel substation\n\nThe Keppel substation is walked through every 35 hours.\n"
    (corpus / "docs" / longest).write_text(text, encoding="utf-8")
    odd = "泵站.md".encode("gb18030")
    path = os.fsencode(corpus / "docs") + b"/" + odd
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY), "wb") as file:
        file.write(b"# A name of another encoding\n")
    return longest, odd


def _write_word(docs: Path) -> None:
    document = docx.Document()
    document.add_heading("Care of the Halden press", 1)
    line: Any = document.add_paragraph("The oil of the Halden press is renewed every ")
    line._p.append(_change("del", "delText", "500"))
    line._p.append(_change("ins", "t", "340"))
    line.add_run(" operating hours.")
    added: Any = document.add_paragraph()
    sentence = "The back gauge of the Halden press is oiled with grade ISO VG 46 only."
    added._p.append(_change("ins", "t", sentence))
    document.save(str(docs / "press.docx"))

    document = docx.Document()
    document.add_heading("Filter schedule of the Malmo air plant", 1)
    table = document.add_table(5, 4)
    table.cell(0, 0).merge(table.cell(0, 3)).text = "Filters of the Malmo air plant, hall 5"
    table.cell(2, 0).merge(table.cell(4, 0)).text = "Supply air"
    rows = (
        ("Line", "Filter", "Interval", "Spare part"),
        (None, "G4 mat", "6 weeks", "BR-21"),
        (None, "F7 bag", "26 weeks", "BR-22"),
        (None, "H14 panel", "", "BR-23"),
    )
    for number, texts in enumerate(rows, start=1):
        for column, text in enumerate(texts):
            if text is not None:
                table.cell(number, column).text = text
    inner = table.cell(4, 2).add_table(2, 2)
    for number, (hall, interval) in enumerate((("hall 5", "53 weeks"), ("hall 6", "39 weeks"))):
        inner.cell(number, 0).text, inner.cell(number, 1).text = hall, interval
    document.save(str(docs / "filters.docx"))


def _change(kind: str, element: str, text: str) -> Any:
    return parse_xml(
        f'<w:{kind} {_W} w:id="1" w:author="Reviewer" w:date="2031-02-03T09:00:00Z"><w:r>'
        f'<w:{element} xml:space="preserve">{text}</w:{element}></w:r></w:{kind}>'
    )


def _write_html(docs: Path) -> None:
    (docs / "leave.html").write_text(
        "<!DOCTYPE html><title>Leave at Corrib Works</title><body><form action='./'>"
        "<input type='hidden' name='state' value='hidden state of the page'>"
        "<h1>Leave at Corrib Works</h1><p>Staff of Corrib Works have 29 days of paid leave.</p>"
        "</form>",
        encoding="utf-8",
    )
    rows = (("Saddle", "M8", "17 Nm"), ("Keel foot", "M12", "77 Nm"), ("Rudder", "M6", "9 Nm"))
    table = "\n".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    (docs / "torque.html").write_text(
        "<!DOCTYPE html>\n<title>Torques of the Tamsin dinghy</title>\n"
        "<h1>Torques of the Tamsin dinghy</h1>\n<p>Bolts of the Tamsin dinghy are dry.\n"
        f"<table>\n<tr><th>Part<th>Thread<th>Torque\n{table}\n</table>\n",
        encoding="utf-8",
    )
    entries = [f"<p>Entry {n}: valve {n} of the Tamsin depot was looked at." for n in range(1200)]
    entries[700] = "<p>Entry 700: the stopcock of the Tamsin depot was moved to cellar D."
    (docs / "log.html").write_text(
        "<!DOCTYPE html>\n<title>Log of the Tamsin depot</title>\n<h1>Log</h1>\n"
        + "\n".join(entries),
        encoding="utf-8",
    )


def _write_records(docs: Path) -> None:
    records = (
        {
            "title": "Recall 1",
            "subject": "Seal of the Mellon KV-311 swells in ethanol",
            "text": "The seal is replaced free of charge.",
        },
        {"headline": "Recall 2", "name": "Mellon TK-4 kettle", "text": "It is to be sent back."},
    )
    (docs / "recalls.json").write_text(json.dumps(records), encoding="utf-8")
    (docs / "chat.json").write_bytes(
        b'{"title": "Chat of the Ormond team",'
        b' "text": "The Ormond kiln is fired on Tuesdays. Well done \\ud83d"}'
    )
    (docs / "lines.jsonl").write_text(
        '{"title": "Ferry", "text": "The Ardmore ferry leaves at ten."}\n{"title": "Broken\n',
        encoding="utf-8",
    )


def _write_text(docs: Path) -> None:
    lines = ["# Pump register", "", "| Pump | Rated head, m | Tested head, m |", "|---|---|---|"]
    lines += [f"| BX-{n:03d} | {20 + n} | {18 + n} |" for n in range(1, 101)]
    (docs / "pumps.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    chinese = (
        "泵站值班规定\n\n白沙泵站的备用钥匙放在六号柜，由值班长保管。"
        "进入泵站前必须登记姓名和时间，离开时锁好大门并关闭照明。\n"
    )
    (docs / "gb18030.txt").write_bytes(chinese.encode("gb18030"))
    other = chinese.replace("白沙", "青石").replace("六号柜", "四号柜")
    (docs / "utf16.txt").write_bytes(other.encode("utf-16"))
    filler = "本机适用于地下室、仓库和机房。安装前请清理地面，并与墙壁保持三十厘米的距离。" * 9
    (docs / "q5.md").write_text(
        f"# 青岚Q5除湿机\n\n{filler}\n\n保修四十五个月。水箱容量为六点五升。"
        "代码E9表示湿度传感器断线。代码E2表示水箱已满。\n",
        encoding="utf-8",
    )


def _write_pdf(docs: Path) -> None:
    (docs / "manual.pdf").write_bytes(
        pdf(
            [
                [
                    "Manual of the Wells classi\\001er",
                    "",
                    "The \\001nest \\001lter of the Wells classi\\001er is \\001tted \\001rst.",
                    "Its over\\002ow is opened at a \\002ow of 16 litres a minute.",
                    "The Wells classi\\001er must not be run above an accumu-",
                    "lator temperature of 63 degrees; the e\\003ciency then falls.",
                ]
            ],
            b"/Encoding << /Type /Encoding /Differences [1 /fi /fl /ffi] >>",
        )
    )
    # ToUnicode gives one letter half of its code.
    (docs / "kiln.pdf").write_bytes(
        pdf(
            [["The Ormond kiln holds \\200 at 970 degrees for six hours."]],
            b"/ToUnicode << >>",
            to_unicode=b"1 beginbfrange <20> <7E> <0020> endbfrange\n"
            b"1 beginbfchar <80> <D835> endbfchar\n",
        )
    )
    (docs / "boiler.pdf").write_bytes(
        pdf(
            [
                ["File of the Crag boiler, page 1 of 3."],
                [],
                ["File of the Crag boiler, page 3 of 3.", "It is swept every autumn."],
            ]
        )
    )
    filler = [
        f"Rule {n} of the Dunlow code is kept by every shift of the works." for n in range(12)
    ]
    (docs / "vessels.pdf").write_bytes(
        pdf(
            [
                [
                    *filler,
                    "At Dunlow the yearly inspection of a vessel is carried out only by",
                ],
                [
                    "a technician of class D who has held the licence for at least six years.",
                    *filler,
                ],
            ]
        )
    )
    (docs / "archive.pdf").write_bytes(
        pdf(
            [
                [
                    "Rules of the Fenn archive",
                    "A box of the Fenn archive is lent for ten days and may be",
                    "renewed twice, unless another reader has asked for it.",
                    "The reading room of the Fenn archive is open from nine in the",
                    "morning to half past four in the afternoon.",
                ]
            ]
        )
    )


def pdf(pages: Sequence[Sequence[str]], font: bytes = b"", *, to_unicode: bytes = b"") -> bytes:
    """Return a PDF with lines of text; a page without lines has a filled rectangle, as a scan.

    Args:
        pages: The lines of each page, with octal escapes for codes outside ASCII.
        font: Further entries of the font.
        to_unicode: The body of the font's ToUnicode map; it replaces `font`.
    """
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
    ]
    if to_unicode:
        font = b"/ToUnicode %d 0 R" % (4 + 2 * len(pages))
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica %s >>" % font)
    for number, lines in enumerate(pages):
        shown = b"".join(b"(%s) Tj T*\n" % line.encode() for line in lines)
        body = b"BT /F1 12 Tf 60 760 Td 16 TL\n" + shown + b"ET"
        if not lines:
            body = b"0.2 g 60 500 400 200 re f"
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(_stream(body))
    if to_unicode:
        objects.append(
            _stream(
                b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
                b"1 begincodespacerange <00> <FF> endcodespacerange\n"
                + to_unicode
                + b"endcmap end end"
            )
        )
    out, offsets = bytearray(b"%PDF-1.5\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"
