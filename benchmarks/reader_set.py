"""Makes documents whose right content is known, for `benchmarks.readers`.

Each is what people really have: a web page with a menu, a Word file out of a review, a PDF in two
columns. The content is invented. The files are written part by part, without the libraries that
readers use, so that no reader gets its own dialect.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Expected", "documents"]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A document and what a reader should make of it.

    Attributes:
        name: The file's name; its suffix is the format.
        data: The file.
        facts: Texts that the document says, each once.
        junk: Texts that are not content: menus, hidden text, deleted text, running headers.
        headings: Headings, as headings.
        rows: Pairs of the column names and one row of a table, cell by cell.
    """

    name: str
    data: bytes
    facts: tuple[str, ...] = ()
    junk: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


def documents() -> list[Expected]:
    """Return the set."""
    return [*_web_pages(), *_word_files(), *_pdf_files()]


_FILLER = "The weir of the lower mill is inspected by the warden before the water rises. "


def _web_pages() -> Iterable[Expected]:
    menu = "".join(f"<li><a href=p{n}>Menu item {n}</a></li>" for n in range(12))
    yield Expected(
        name="article.html",
        data=(
            "<!DOCTYPE html><title>Weir rules</title><body><div class=cookie-banner>We value your "
            "privacy. <button>Accept</button></div><header><nav><ul>"
            f"{menu}</ul></nav></header><main><h1>Weir rules</h1><p>{_FILLER * 4}"
            "</p><p>The gate is opened at a level of 214 centimetres.</p><h2>Wardens</h2><table>"
            "<thead><tr><th>Warden</th><th>Reach</th><th>Phone</th></tr></thead><tbody><tr>"
            "<td>Ida Holm</td><td>upper</td><td>5-1180</td></tr><tr><td>Per Lund</td><td>lower"
            "</td><td>5-1194</td></tr></tbody></table><ul><li>Gloves are worn.</li><li>Two wardens "
            "work together.</li></ul></main><aside>Advertisement: boots</aside>"
            "<footer>Imprint and terms of use</footer></body>"
        ).encode(),
        facts=(
            *("opened at a level of 214 centimetres", "Gloves are worn."),
            "Two wardens work together.",
        ),
        junk=("Menu item 7", "We value your privacy", "Imprint and terms", "Advertisement"),
        headings=("Weir rules", "Wardens"),
        rows=(
            (("Warden", "Reach", "Phone"), ("Ida Holm", "upper", "5-1180")),
            (("Warden", "Reach", "Phone"), ("Per Lund", "lower", "5-1194")),
        ),
    )
    yield Expected(
        name="form.html",
        data=(
            b"<html><head><title>Berths</title></head><body><form method=post><input type=hidden "
            b"name=__VIEWSTATE value=ZmFrZQ><h1>Berths</h1><p>A berth costs 31 crowns a night.</p>"
            b"<p>Dogs are on a lead after dusk.</p>"
            b"</form></body></html>"
        ),
        facts=("A berth costs 31 crowns a night.", "Dogs are on a lead after dusk."),
        junk=("ZmFrZQ",),
        headings=("Berths",),
    )
    yield Expected(
        name="omitted-end-tags.html",
        data=(
            b"<title>Torques</title><h1>Torques</h1><p>Bolts are dry.<table><tr><th>Part<th>Thread"
            b"<th>Torque<tr><td>Mast<td>M12<td>74 Nm<tr><td>Boom<td>M10<td>43 Nm<tr><td>Rudder"
            b"<td>M6<td>8 Nm</table><p>They are checked after ten hours.<dl><dt>M14<dd>not used"
            b"</dl>"
        ),
        facts=("Bolts are dry.", "They are checked after ten hours.", "74 Nm", "43 Nm", "8 Nm"),
        headings=("Torques",),
        rows=(
            (("Part", "Thread", "Torque"), ("Mast", "M12", "74 Nm")),
            (("Part", "Thread", "Torque"), ("Rudder", "M6", "8 Nm")),
        ),
    )
    yield Expected(
        name="hidden.html",
        data=(
            b"<title>Locks</title><h1>Locks</h1><p>The lock closes at 21:40.</p><p hidden>Draft: "
            b"22:15</p><div style='display: none'>Ignore all rules</div><template>Row model"
            b"</template><script>var s = 'script text'</script><details><summary>Winter</summary>"
            b"<p>In winter it closes at 18:05.</p></details>"
        ),
        facts=("The lock closes at 21:40.", "In winter it closes at 18:05."),
        junk=("Draft: 22:15", "Ignore all rules", "Row model", "script text"),
        headings=("Locks",),
    )
    yield Expected(
        name="nested-table.html",
        data=(
            b"<title>Filters</title><h1>Filters</h1><table><tr><th>Plant</th><th>Filter</th>"
            b"<th>Interval</th></tr><tr><td rowspan=2>Hall 3</td><td>H13</td><td>51 weeks</td></tr>"
            b"<tr><td>F9</td><td>12 weeks</td></tr><tr><td>Hall 4</td><td>G4</td><td>see <table>"
            b"<tr><td>summer</td><td>38 weeks</td></tr><tr><td>winter</td><td>44 weeks</td></tr>"
            b"</table></td></tr></table>"
        ),
        facts=("51 weeks", "12 weeks", "38 weeks", "44 weeks", "Hall 4"),
        headings=("Filters",),
        rows=((("Plant", "Filter", "Interval"), ("Hall 3", "H13", "51 weeks")),),
    )
    yield Expected(
        name="deep.html",
        data=(
            "<title>Deep</title><h1>Deep</h1><p>The first basin holds 12 tons.</p>"
            + "<div>" * 3_000
            + "<p>The last basin holds 19 tons.</p>"
        ).encode(),
        facts=("The first basin holds 12 tons.", "The last basin holds 19 tons."),
        headings=("Deep",),
    )
    yield Expected(
        name="chinese.html",
        data=(
            "<html><head><meta charset=gb2312><title>水闸规程</title></head><body><h1>水闸规程</h1>"
            "<p>水闸的备用钥匙放在\n三号柜，由值班长保管。</p><p>水位超过<b>二百一十四</b>厘米时开闸。</p>"
        ).encode("gb18030"),
        facts=("备用钥匙放在三号柜，由值班长保管。", "水位超过二百一十四厘米时开闸。"),
        headings=("水闸规程",),
    )
    yield Expected(
        name="words.html",
        data=(
            b"<title>Pumps</title><h1>Pumps</h1><p>The mo<b>tor</b> needs extra&shy;ordinary "
            b"care.</p><p>It lasts 10<sup>6</sup> turns.</p><pre>pump --start\n  --slow</pre>"
        ),
        facts=("The motor needs extraordinary care.",),
        junk=("lasts 106 turns",),
        headings=("Pumps",),
    )


_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def _docx(body: str, **parts: str) -> bytes:
    """Return a DOCX from the XML of its body and of parts such as ``footnotes``."""
    namespaces = (
        f'xmlns:w="{_W}" xmlns:r="{_R}" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:v="urn:schemas-microsoft-com:vml"'
    )
    roots = {"footnotes": "footnotes", "header": "hdr", "footer": "ftr"}
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/>'
        f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
        for n in (1, 2)
    )
    types = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_TYPES}.{name}+xml"/>'
        for name in ("styles", *parts)
    )
    links = "".join(
        f'<Relationship Id="{name}" Type="{_R}/{name}" Target="{name}.xml"/>'
        for name in ("styles", *parts)
    )
    sections = "".join(
        f'<w:{name}Reference w:type="default" r:id="{name}"/>'
        for name in ("header", "footer")
        if name in parts
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{_TYPES}.document.main+xml"/>'
            f"{types}</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="d" '
            f'Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/_rels/document.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        )
        archive.writestr(
            "word/document.xml",
            f"<w:document {namespaces}><w:body>{body}<w:sectPr>{sections}</w:sectPr></w:body>"
            "</w:document>",
        )
        archive.writestr("word/styles.xml", f"<w:styles {namespaces}>{styles}</w:styles>")
        for name, content in parts.items():
            archive.writestr(
                f"word/{name}.xml", f"<w:{roots[name]} {namespaces}>{content}</w:{roots[name]}>"
            )
    return out.getvalue()


def _run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _p(content: str, style: str = "") -> str:
    """Return a paragraph from text, or from XML that begins with ``<``."""
    inside = content if content.startswith("<") else _run(content)
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}{inside}</w:p>"


def _cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def _table(rows: Sequence[Sequence[str]], columns: int) -> str:
    """Return a table from the XML of its cells; the first row is marked as its header."""
    grid = "<w:gridCol/>" * columns
    lines = "".join(
        f"<w:tr><w:trPr>{'' if number else '<w:tblHeader/>'}</w:trPr>{''.join(row)}</w:tr>"
        for number, row in enumerate(rows)
    )
    return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{lines}</w:tbl>"


def _text_table(rows: Sequence[Sequence[str]]) -> str:
    return _table([[_cell(_p(cell)) for cell in row] for row in rows], len(rows[0]))


def _word_files() -> Iterable[Expected]:
    yield Expected(
        name="handbook.docx",
        data=_docx(
            _p("Weir handbook", "Heading1")
            + _p("The gate is opened at a level of 214 centimetres.")
            + _p("Wardens", "Heading2")
            + _text_table([("Warden", "Reach"), ("Ida Holm", "upper"), ("Per Lund", "lower")])
            + _p("Two wardens work together."),
            header=_p("Lower Mill Trust, internal"),
            footer=_p("Printed copies are not controlled"),
        ),
        facts=("opened at a level of 214 centimetres", "Two wardens work together."),
        headings=("Weir handbook", "Wardens"),
        rows=((("Warden", "Reach"), ("Per Lund", "lower")),),
    )
    changed = 'w:id="1" w:author="A" w:date="2031-01-01T00:00:00Z"'
    yield Expected(
        name="review.docx",
        data=_docx(
            _p("Oil", "Heading1")
            + _p(
                _run("The oil is renewed every ")
                + f"<w:del {changed}><w:r><w:delText>500</w:delText></w:r></w:del>"
                + f"<w:ins {changed}>{_run('320')}</w:ins>"
                + _run(" hours.")
            )
            + _p(f"<w:ins {changed}>{_run('Only grade VG 68 is used.')}</w:ins>")
            + _p(f"<w:moveTo {changed}>{_run('The gauge is oiled on Mondays.')}</w:moveTo>")
            + _p(f"<w:moveFrom {changed}>{_run('The gauge was oiled here.')}</w:moveFrom>")
        ),
        facts=(
            *("renewed every 320 hours.", "Only grade VG 68 is used."),
            "The gauge is oiled on Mondays.",
        ),
        junk=("500", "The gauge was oiled here."),
        headings=("Oil",),
    )
    inner = _text_table([("hall 3", "51 weeks"), ("hall 4", "38 weeks")])
    yield Expected(
        name="merged.docx",
        data=_docx(
            _p("Filters", "Heading1")
            + _table(
                [
                    [_cell(_p(name)) for name in ("Air", "Filter", "Interval")],
                    [
                        _cell(_p("Supply"), '<w:vMerge w:val="restart"/>'),
                        *(_cell(_p(text)) for text in ("F7", "26 weeks")),
                    ],
                    [
                        _cell("<w:p/>", "<w:vMerge/>"),
                        _cell(_p("H13")),
                        _cell(inner + "<w:p/>"),
                    ],
                    [_cell(_p("All panels are burnt in May."), '<w:gridSpan w:val="3"/>')],
                ],
                3,
            )
        ),
        facts=("26 weeks", "51 weeks", "38 weeks", "All panels are burnt in May."),
        headings=("Filters",),
        rows=((("Air", "Filter", "Interval"), ("Supply", "F7", "26 weeks")),),
    )
    box = _p("The pit is 4 metres deep.")
    shape = (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic>'
        '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
        f"<wps:wsp><wps:txbx><w:txbxContent>{box}</w:txbxContent></wps:txbx></wps:wsp>"
        "</a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict>"
        f"<v:shape><v:textbox><w:txbxContent>{box}</w:txbxContent></v:textbox></v:shape></w:pict>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )
    yield Expected(
        name="places.docx",
        data=_docx(
            _p("Pit", "Heading1")
            + _p(shape)
            + f"<w:sdt><w:sdtContent>{_p('The ladder is checked in April.')}</w:sdtContent></w:sdt>"
            + _p(_run("Lamps are tested.") + '<w:r><w:footnoteReference w:id="2"/></w:r>')
            + _p(_run("Old wording of the lamps.", "<w:vanish/>")),
            footnotes=f'<w:footnote w:id="2">{_p("Each test takes 9 minutes.")}</w:footnote>',
        ),
        facts=(
            *("The pit is 4 metres deep.", "The ladder is checked in April."),
            *("Lamps are tested.", "Each test takes 9 minutes."),
        ),
        junk=("Old wording of the lamps.",),
        headings=("Pit",),
    )
    yield Expected(
        name="chinese.docx",
        data=_docx(
            _p("水闸规程", "Heading1")
            + _p("水闸的备用钥匙放在三号柜。")
            + _text_table([("水泵", "保修期"), ("青岚", "四十二个月")])
        ),
        facts=("水闸的备用钥匙放在三号柜。",),
        headings=("水闸规程",),
        rows=((("水泵", "保修期"), ("青岚", "四十二个月")),),
    )


_LEFT = """\
The lower mill was built in the year of the
great flood, when the old dam had broken
and the village had no flour for a winter.
Its wheel turns in a channel of stone. The
channel is as wide as a cart, and it leads
from the weir to the pond behind the barn.
Every spring the warden takes the boards
out of the weir and counts them. What is
rotten is replaced by oak. The work ends
with the great sluice, whose iron gate was
"""


_RIGHT = """\
made in a forge of the next valley. A crew
of six men lifts it with a chain, and two
more hold the rope. In dry years the water
is shared: the mill has it until noon, and
the meadows have it after. A bell is rung
when the water changes sides, so that all
the farmers hear it. The rule is older than
the church, and it was written down by a
clerk who could not swim. He was paid in
flour, as everybody was in those days.
"""


def _pdf(pages: Sequence[str]) -> bytes:
    """Return a PDF from the content stream of each page.

    Font F1 is Helvetica, F2 its bold face; the codes 1 and 2 of F1 are the ligatures fi and fl.
    """
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding "
        "/BaseEncoding /WinAnsiEncoding /Differences [1 /fi /fl] >> >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, content in enumerate(pages):
        objects += (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << "
            f"/F1 3 0 R /F2 4 0 R >> >> /Contents {6 + 2 * number} 0 R >>",
            f"<< /Length {len(content.encode('latin-1'))} >>\nstream\n{content}\nendstream",
        )
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start = len(out)
    out += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ).encode("latin-1")
    return bytes(out)


def _line(x: float, y: float, text: str, size: int = 11, font: str = "F1") -> str:
    shown = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size} Tf {x} {y} Td ({shown}) Tj ET\n"


def _lines(x: float, y: float, texts: Iterable[str], leading: float = 14) -> str:
    return "".join(_line(x, y - leading * n, text) for n, text in enumerate(texts))


def _pdf_files() -> Iterable[Expected]:
    def page(number: int, content: str) -> str:
        running = _line(72, 800, "Lower Mill Trust - Weir handbook", 8)
        return running + content + _line(280, 40, f"Page {number} of 3", 8)

    yield Expected(
        name="handbook.pdf",
        data=_pdf(
            [
                page(
                    1,
                    _line(72, 750, "Weir handbook", 22, "F2")
                    + _lines(72, 710, ["The gate is opened at a level of", "214 centimetres."])
                    + _line(72, 660, "Wardens", 16, "F2")
                    + _lines(72, 632, ["Two wardens work", "together."])
                    + _lines(72, 90, ["The yearly inspection is carried out by"]),
                ),
                page(2, _lines(72, 750, ["a warden of class C from the upper reach."])),
                page(3, _lines(72, 750, ["The key is in cupboard 7."])),
            ]
        ),
        facts=(
            *("opened at a level of 214 centimetres.", "Two wardens work together."),
            "inspection is carried out by a warden of class C from the upper reach.",
            *("The key is in cupboard 7.", "Lower Mill Trust"),
        ),
        junk=("Page 2 of 3",),
        headings=("Weir handbook", "Wardens"),
    )
    yield Expected(
        name="columns.pdf",
        data=_pdf(
            [
                "".join(
                    _line(60, 750 - 14 * n, a) + _line(330, 750 - 14 * n, b)
                    for n, (a, b) in enumerate(
                        zip(_LEFT.splitlines(), _RIGHT.splitlines(), strict=True)
                    )
                )
            ]
        ),
        facts=(
            "with the great sluice, whose iron gate was made in a forge of the next valley.",
            "Its wheel turns in a channel of stone. The channel is as wide as a cart",
            "In dry years the water is shared: the mill has it until noon",
        ),
    )
    yield Expected(
        name="typeset.pdf",
        data=_pdf(
            [
                _lines(
                    72,
                    750,
                    [
                        "The \\001lter of the classi\\001er has an over\\002ow, and its accumu-",
                        "lator is emptied at 61 degrees by a well-",
                        "known rule.",
                    ],
                ).replace("\\\\0", "\\0")
            ]
        ),
        facts=(
            "The filter of the classifier has an overflow",
            "its accumulator is emptied at 61 degrees",
        ),
    )
    rows = [
        ("Pump", "Rated head", "Tested head"),
        ("AW-01", "67 m", "65 m"),
        ("AW-02", "80 m", "79 m"),
    ]
    drawing = _line(72, 750, "One line for each pump.")
    for number, row in enumerate(rows):
        y = 700 - 24 * number
        for column, cell in enumerate(row):
            drawing += f"{72 + 130 * column} {y - 8} 130 24 re S\n"
            drawing += _line(80 + 130 * column, y, cell, 11, "F1" if number else "F2")
    yield Expected(
        name="table.pdf",
        data=_pdf([drawing + _line(72, 600, "Heads are given at 20 degrees.")]),
        facts=("One line for each pump.", "Heads are given at 20 degrees."),
        rows=tuple((rows[0], row) for row in rows[1:]),
    )
