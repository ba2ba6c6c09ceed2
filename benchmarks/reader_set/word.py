"""Makes the Word files of the set."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from benchmarks.reader_set.expected import Expected, rows_of

__all__ = ["word_files"]

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


def word_files() -> Iterable[Expected]:
    """Return the Word files."""
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
        rows=rows_of(("Warden", "Reach"), ("Per Lund", "lower")),
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
        rows=rows_of(("Air", "Filter", "Interval"), ("Supply", "F7", "26 weeks")),
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
        rows=rows_of(("水泵", "保修期"), ("青岚", "四十二个月")),
    )
