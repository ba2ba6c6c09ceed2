"""The structure of Word documents: tables, text boxes, headers, notes, charts."""

from __future__ import annotations

import io

import docx

from rag.readers import read_bytes
from tests.rag.office_files import (
    archive,
    cell,
    paragraph,
    part,
    relationships,
    row,
    run,
    table,
)
from tests.rag.word_files import DELETED, read, text_of


def test_a_merged_cell_is_read_once_and_columns_stay_in_place() -> None:
    source = docx.Document()
    grid = source.add_table(4, 3)
    grid.cell(0, 0).merge(grid.cell(0, 2)).text = "Valves of the north hall"
    for number, text in enumerate(("Line", "Valve", "Interval")):
        grid.cell(1, number).text = text
    grid.cell(2, 0).merge(grid.cell(3, 0)).text = "Steam"
    grid.cell(2, 1).text, grid.cell(2, 2).text = "V1", "6 weeks"
    grid.cell(3, 1).text = "V2"
    inner = grid.cell(3, 2).add_table(2, 2)
    for number, text in enumerate(("summer", "9 weeks", "winter", "4 weeks")):
        inner.cell(number // 2, number % 2).text = text
    out = io.BytesIO()
    source.save(out)
    document = read_bytes("docs/a.docx", out.getvalue())
    assert document.text == (
        "Valves of the north hall\nLine | Valve | Interval\nSteam | V1 | 6 weeks\n"
        " | V2 | summer: 9 weeks; winter: 4 weeks"
    )
    (block,) = document.blocks
    assert block.header is not None
    assert document.text[slice(*block.header)].splitlines()[-1] == "Line | Valve | Interval"


def test_old_merges_and_columns_left_out_keep_their_place() -> None:
    body = table(
        row(cell("wide", "<w:hMerge w:val='restart'/>"), cell("x", "<w:hMerge/>"), "c"),
        row("d", properties='<w:gridBefore w:val="2"/>'),
    )
    assert text_of(body) == "wide |  | c\n |  | d"


def test_rows_and_cells_inside_content_controls_are_read() -> None:
    control = "<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>"
    body = table(row(control.format(cell("a")), "b"), control.format(row("c", "d")))
    assert text_of(body) == "a | b\nc | d"


def test_marked_header_rows_are_the_header() -> None:
    head = "<w:tblHeader/>"
    body = table(
        row("1990", "2000", properties=head), row("a", "b", properties=head), row("c", "d")
    )
    document = read(body)
    header = document.blocks[0].header
    assert header is not None
    assert document.text[slice(*header)] == "1990 | 2000\na | b"


def test_a_table_without_a_header_row_in_its_look_has_no_header() -> None:
    look = '<w:tblLook w:firstRow="0"/>'
    assert read(table(row("a", "b"), row("c", "d"), properties=look)).blocks[0].header is None


def test_a_frame_of_one_cell_is_not_a_table() -> None:
    document = read(table(row(cell(paragraph("One.") + paragraph("Two.")))))
    assert document.text == "One.\n\nTwo."
    assert document.blocks == ()


def test_a_text_box_is_read_once() -> None:
    content = f"<w:txbxContent>{paragraph('Wear gloves.')}</w:txbxContent>"
    body = paragraph(
        run("Before.")
        + "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor><a:graphic>"
        f"<a:graphicData><wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp></a:graphicData>"
        "</a:graphic></wp:anchor></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape>"
        f"<v:textbox>{content}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent>"
        "</w:r>" + run(" After.")
    )
    assert text_of(body) == "Before. After.\n\nWear gloves."


def test_headers_and_footers_are_read_once_and_without_page_numbers() -> None:
    page = '<w:fldSimple w:instr=" PAGE ">' + run("7") + "</w:fldSimple>"
    section = (
        '<w:sectPr><w:headerReference w:type="default" r:id="header1"/>'
        '<w:headerReference w:type="first" r:id="header2"/>'
        '<w:footerReference w:type="default" r:id="footer1"/></w:sectPr>'
    )
    body = paragraph("One.", section) + paragraph("Two.") + section.replace("header1", "header3")
    document = read(
        body,
        header1=paragraph("Form 12 of the plant"),
        header2=paragraph("Only on first pages, which this section does not show"),
        header3=paragraph("Form 12 of the plant"),
        footer1=paragraph(run("Page ") + page + run(" of 10"))
        + paragraph(run("Rev. 4, p. ") + page),
    )
    assert document.text == "One.\n\nTwo.\n\nForm 12 of the plant\n\nRev. 4, p."
    assert document.sections[-1].heading == "Headers and footers"


def test_footnotes_and_endnotes_follow_their_paragraph_once() -> None:
    body = (
        paragraph(
            run("Text.") + '<w:r><w:footnoteReference w:id="2"/></w:r>'
            '<w:r><w:endnoteReference w:id="2"/></w:r>'
        )
        + paragraph(run("More.") + '<w:r><w:footnoteReference w:id="2"/></w:r>')
        + paragraph(DELETED.format("Gone"))
    )
    separator = (
        '<w:footnote w:id="0" w:type="separator"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
    )
    text = text_of(
        body,
        footnotes=separator + f'<w:footnote w:id="2">{paragraph("A footnote.")}</w:footnote>',
        endnotes=f'<w:endnote w:id="2">{paragraph("An endnote.")}</w:endnote>',
    )
    assert text == "Text.\n\nA footnote.\n\nAn endnote.\n\nMore."


def test_charts_diagrams_word_art_and_objects() -> None:
    def graphic(inner: str) -> str:
        data = f"<a:graphicData>{inner}</a:graphicData>"
        return f"<w:r><w:drawing><a:graphic>{data}</a:graphic></w:drawing></w:r>"

    def cache(kind: str, *texts: str) -> str:
        points = "".join(f'<c:pt idx="{n}"><c:v>{t}</c:v></c:pt>' for n, t in enumerate(texts))
        return f"<c:{kind}Ref><c:{kind}Cache>{points}</c:{kind}Cache></c:{kind}Ref>"

    chart = part(
        "c:chartSpace",
        "<c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Output</a:t></a:r></a:p></c:rich></c:tx></c:title>"
        f"<c:plotArea><c:barChart><c:ser><c:tx>{cache('str', 'tons')}</c:tx>"
        f"<c:cat>{cache('str', 'May', 'June')}</c:cat>"
        f"<c:val>{cache('num', '3.5', '0.30000000000000004')}</c:val>"
        "</c:ser></c:barChart></c:plotArea></c:chart>",
    )
    diagram = part(
        "dgm:dataModel",
        "<dgm:ptLst><dgm:pt><dgm:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:t></dgm:pt>"
        "<dgm:pt><dgm:t><a:p><a:r><a:t>Do</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst>",
    )
    body = (
        paragraph(graphic('<c:chart r:id="chart"/>'))
        + paragraph(graphic('<dgm:relIds r:dm="data"/>'))
        + paragraph('<w:r><w:pict><v:shape><v:textpath string="DRAFT"/></v:shape></w:pict></w:r>')
        + paragraph('<w:r><w:object><o:OLEObject ProgID="Visio.Drawing.15"/></w:object></w:r>')
    )
    document = read_bytes(
        "docs/a.docx",
        archive(
            {
                "_rels/.rels": relationships({"r": ("officeDocument", "word/document.xml")}),
                "word/document.xml": part("w:document", f"<w:body>{body}</w:body>"),
                "word/_rels/document.xml.rels": relationships(
                    {
                        "chart": ("chart", "charts/chart1.xml"),
                        "data": ("diagramData", "diagrams/data1.xml"),
                    }
                ),
                "word/charts/chart1.xml": chart,
                "word/diagrams/data1.xml": diagram,
            }
        ),
    )
    assert document.text == "Output\n\n | tons\nMay | 3.5\nJune | 0.3\n\nPlan\nDo\n\nDRAFT"
    assert document.missing == ("An embedded object (Visio.Drawing.15) is not read.",)
