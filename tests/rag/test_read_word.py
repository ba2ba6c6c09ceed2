"""Word documents: every place that text can be in, and what is not text."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest

from rag.documents import Document
from rag.errors import ReadError
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
    word,
)

INSERTED = '<w:ins w:id="1" w:author="A">{}</w:ins>'
DELETED = '<w:del w:id="2" w:author="A"><w:r><w:delText>{}</w:delText></w:r></w:del>'


def read(body: str, **parts: str) -> Document:
    return read_bytes("docs/a.docx", word(body, **parts))


def text_of(body: str, **parts: str) -> str:
    return read(body, **parts).text


CHANGED = run("every ") + DELETED.format("500") + INSERTED.format(run("320")) + run(" hours")


@pytest.mark.parametrize(
    "body",
    [
        paragraph(CHANGED),
        paragraph(f'<w:hyperlink r:id="h">{CHANGED}</w:hyperlink>'),
        f"<w:sdt><w:sdtContent>{paragraph(CHANGED)}</w:sdtContent></w:sdt>",
        paragraph(f"<w:sdt><w:sdtContent>{CHANGED}</w:sdtContent></w:sdt>"),
        paragraph(f"<w:smartTag><w:customXml>{CHANGED}</w:customXml></w:smartTag>"),
        paragraph(f'<w:fldSimple w:instr=" REF a ">{CHANGED}</w:fldSimple>'),
        paragraph(f"<w:bdo>{CHANGED}</w:bdo>"),
    ],
)
def test_tracked_insertions_are_read_and_deletions_are_not(body: str) -> None:
    document = read(body)
    assert document.text == "every 320 hours"
    assert document.remarks == (
        "The document has tracked changes. The text is read as if all were accepted.",
    )


def test_tracked_changes_count_in_tables_headers_notes_and_text_boxes() -> None:
    box = f"<w:txbxContent>{paragraph(CHANGED.replace('every', 'boxed'))}</w:txbxContent>"
    below = paragraph(CHANGED.replace("every", "below"))
    body = (
        table(row(cell(paragraph(CHANGED)), "b"), row("c", "d"))
        + paragraph(run("Noted.") + '<w:r><w:footnoteReference w:id="4"/></w:r>')
        + paragraph(f"<w:r><w:pict><v:shape><v:textbox>{box}</v:textbox></v:shape></w:pict></w:r>")
        + '<w:sectPr><w:headerReference w:type="default" r:id="header1"/></w:sectPr>'
    )
    text = text_of(
        body,
        header1=paragraph(CHANGED.replace("every", "above")),
        footnotes=f'<w:footnote w:id="4">{below}</w:footnote>',
    )
    assert text == (
        "every 320 hours | b\nc | d\n\nNoted.\n\nbelow 320 hours\n\nboxed 320 hours\n\n"
        "above 320 hours"
    )


def test_moved_text_is_read_where_it_went() -> None:
    moved = '<w:moveFrom w:id="1">{0}</w:moveFrom>', '<w:moveTo w:id="2">{0}</w:moveTo>'
    body = (
        paragraph(moved[0].format(run("Oil it.")))
        + paragraph("Middle.")
        + paragraph(moved[1].format(run("Oil it.")))
    )
    assert text_of(body) == "Middle.\n\nOil it."


def test_a_deleted_paragraph_mark_joins_two_paragraphs() -> None:
    gone = '<w:rPr><w:del w:id="1"/></w:rPr>'
    assert text_of(paragraph("One ", gone) + paragraph("two.")) == "One two."
    assert text_of(paragraph("At the end", gone)) == "At the end"


def test_deleted_rows_and_cells_are_not_read() -> None:
    body = table(
        row("old", "row", properties='<w:del w:id="1"/>'),
        row("new", "row", properties='<w:ins w:id="2"/>'),
        row(cell("gone", '<w:cellDel w:id="3"/>'), "kept", "too"),
    )
    assert text_of(body) == "new | row\nkept | too"


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


def test_the_prompt_of_an_empty_content_control_is_not_text() -> None:
    control = (
        "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
        + run("Click to enter text.")
        + "</w:sdtContent></w:sdt>"
    )
    assert text_of(paragraph(run("Name: ") + control)) == "Name:"


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


def test_comments_are_counted_in_a_remark() -> None:
    document = read(
        paragraph("Text."), comments=f'<w:comment w:id="1">{paragraph("Really?")}</w:comment>'
    )
    assert document.text == "Text."
    assert document.remarks == ("Comments by reviewers are not read: 1.",)


STYLES = (
    '<w:style w:styleId="H1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/>'
    "</w:numPr></w:pPr></w:style>"
    '<w:style w:styleId="H2"><w:name w:val="heading 2"/><w:basedOn w:val="H1"/></w:style>'
    '<w:style w:styleId="Own"><w:name w:val="Kapitel"/><w:basedOn w:val="H2"/></w:style>'
    '<w:style w:styleId="Loop"><w:name w:val="x"/><w:basedOn w:val="Loop"/></w:style>'
    '<w:style w:styleId="Secret"><w:name w:val="s"/><w:rPr><w:vanish/></w:rPr></w:style>'
)


def level(number: int, kind: str, text: str, extra: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{extra}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


NUMBERING = (
    '<w:abstractNum w:abstractNumId="5">'
    + level(0, "decimal", "%1.", '<w:pStyle w:val="H1"/>')
    + level(1, "decimal", "%1.%2", '<w:pStyle w:val="H2"/>')
    + "</w:abstractNum>"
    '<w:abstractNum w:abstractNumId="6">'
    + level(0, "lowerLetter", "%1)")
    + level(1, "upperRoman", "%2.")
    + level(2, "bullet", "\uf0b7")
    + "</w:abstractNum>"
    '<w:abstractNum w:abstractNumId="7">'
    + level(0, "chineseCountingThousand", "第%1条")
    + "</w:abstractNum>"
    '<w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="6"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="6"/><w:lvlOverride w:ilvl="0">'
    '<w:startOverride w:val="4"/></w:lvlOverride></w:num>'
    '<w:num w:numId="4"><w:abstractNumId w:val="7"/></w:num>'
)


def listed(text: str, number: int, depth: int = 0) -> str:
    return paragraph(
        text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    )


def test_headings_have_their_level_and_number() -> None:
    def styled(text: str, style: str) -> str:
        return paragraph(text, f'<w:pStyle w:val="{style}"/>')

    body = (
        styled("Start", "H1")
        + styled("Oil", "H2")
        + styled("Grease", "H2")
        + styled("End", "H1")
        + styled("Own", "Own")
        + styled("Loop", "Loop")
        + paragraph("By level", '<w:outlineLvl w:val="2"/>')
    )
    document = read(body, styles=STYLES, numbering=NUMBERING)
    assert [section.heading for section in document.sections] == [
        "1. Start",
        "1. Start > 1.1 Oil",
        "1. Start > 1.2 Grease",
        "2. End",
        "2. End > 2.1 Own",
        "2. End > 2.1 Own > By level",
    ]
    assert document.title == "Start"


def test_list_numbers_are_counted_as_word_shows_them() -> None:
    body = (
        listed("one", 2)
        + listed("deep", 2, 1)
        + listed("point", 2, 2)
        + listed("two", 2)
        + listed("deep", 2, 1)
        + listed("four", 3)
        + listed("five", 3)
        + "".join(listed("条", 4) for _ in range(21))
        + listed("plain", 0)
    )
    lines = text_of(body, numbering=NUMBERING).split("\n\n")
    assert lines[:7] == ["a) one", "I. deep", "- point", "b) two", "I. deep", "d) four", "e) five"]
    assert (lines[7], lines[17], lines[27]) == ("第一条 条", "第十一条 条", "第二十一条 条")
    assert lines[-1] == "plain"


def test_hidden_text_is_not_read() -> None:
    body = (
        paragraph(
            run("Seen.") + run("Not seen.", "<w:vanish/>") + run(" On.", '<w:vanish w:val="0"/>')
        )
        + paragraph("Hidden by its style", '<w:pStyle w:val="Secret"/>')
        + paragraph(run("x", '<w:rStyle w:val="Secret"/>') + run("Shown."))
    )
    assert text_of(body, styles=STYLES) == "Seen. On.\n\nShown."


def test_struck_out_text_is_left_out_with_a_remark() -> None:
    document = read(paragraph(run("Use ") + run("A", "<w:strike/>") + run("B.")))
    assert document.text == "Use B."
    assert document.remarks == ("Struck-out text is left out.",)


def field(code: str, result: str) -> str:
    def mark(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    instruction = f"<w:r><w:instrText> {code} </w:instrText></w:r>"
    return mark("begin") + instruction + mark("separate") + result + mark("end")


def test_field_results_are_read_but_not_page_numbers() -> None:
    body = (
        paragraph(
            run("See ")
            + field("REF a", run("part B"))
            + run(" on page ")
            + field("PAGEREF a", run("9"))
        )
        + paragraph(field('HYPERLINK "x"', run("a link") + field("PAGE", run("3"))))
        + paragraph(field("DATE", run("1 May")))
    )
    assert text_of(body) == "See part B on page \n\na link\n\n1 May".replace("page \n", "page\n")


def test_the_table_of_contents_is_not_repeated() -> None:
    entries = run("Oil\t3") + "</w:p><w:p>" + run("Grease\t4")
    assert text_of(paragraph(field("TOC", entries)) + paragraph("Oil is dear.")) == "Oil is dear."


def test_a_field_without_an_end_hides_nothing() -> None:
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC</w:instrText></w:r>'
    assert text_of(paragraph(begin + run("One.")) + paragraph("Two.")) == "One.\n\nTwo."


def test_old_forms_show_their_state() -> None:
    def form(data: str) -> str:
        return (
            f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{data}</w:ffData></w:fldChar></w:r>'
            '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )

    box = form('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>')
    choice = form(
        '<w:ddList><w:result w:val="1"/><w:listEntry w:val="no"/><w:listEntry w:val="yes"/>'
        "</w:ddList>"
    )
    assert text_of(paragraph(box + run(" wet, ") + choice)) == "☒ wet, yes"


def test_signs_breaks_and_hyphens_are_text() -> None:
    body = paragraph(
        "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/>"
        "<w:t>d so\u00adft</w:t><w:softHyphen/><w:t>er </w:t>"
        '<w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Wingdings" w:char="F0FE"/>'
        '<w:sym w:font="Arial" w:char="00E9"/></w:r>'
        + run("\uf0b3", '<w:rFonts w:ascii="Symbol"/>')
    )
    assert text_of(body) == "a\tb\nc-d softer α☑é≥"


def test_an_unknown_sign_is_reported() -> None:
    document = read(
        paragraph(run("Sign: ") + '<w:r><w:sym w:font="Webdings" w:char="F021"/></w:r>')
    )
    assert document.missing == ("Signs of the font Webdings are not read.",)


def test_ruby_text_follows_its_base() -> None:
    body = paragraph(
        f"<w:r><w:ruby><w:rt>{run('かんじ')}</w:rt><w:rubyBase>{run('漢字')}</w:rubyBase></w:ruby></w:r>"
    )
    assert text_of(body) == "漢字(かんじ)"


def test_formulas_are_read_on_one_line() -> None:
    def t(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    body = paragraph(
        "<m:oMathPara><m:oMath>"
        + t("F=")
        + f"<m:f><m:num>{t('a+b')}</m:num><m:den>{t('2')}</m:den></m:f>"
        + t("·")
        + f"<m:sSup><m:e>{t('x')}</m:e><m:sup>{t('2')}</m:sup></m:sSup>"
        + f"<m:sSub><m:e>{t('y')}</m:e><m:sub>{t('i')}</m:sub></m:sSub>"
        + f"<m:rad><m:e>{t('z')}</m:e></m:rad></m:oMath></m:oMathPara>"
    )
    assert text_of(body) == "F=(a+b)/2·x^2y_i√(z)"


PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1"{}/><a:graphic><a:graphicData>'
    '<pic:pic><pic:nvPicPr><pic:cNvPr id="0" name="a.png"/></pic:nvPicPr></pic:pic>'
    "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
)


def test_the_description_of_a_picture_is_kept() -> None:
    described = PICTURE.format(
        ' descr="Plan of hall 3&#10;&#10;Description automatically generated"'
    )
    document = read(paragraph(described) + paragraph("Text.") + paragraph(PICTURE.format("")))
    assert document.text == "Plan of hall 3\n\nText."
    assert document.remarks == ("Pictures without a description, whose content is not read: 1.",)


def test_a_document_of_pictures_says_so() -> None:
    with pytest.raises(ReadError, match=r"has only pictures \(2\).*OCR"):
        read(paragraph(PICTURE.format("")) + paragraph(PICTURE.format("")))


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
