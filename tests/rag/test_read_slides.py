"""PowerPoint presentations: slides are pages, and every kind of shape that has text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pptx
import pytest
from lxml import etree
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes
from tests.rag.office_files import archive, part, relationships

BOX = (Inches(1), Inches(1), Inches(4), Inches(1))


def saved(presentation: pptx.presentation.Presentation) -> bytes:
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def read(presentation: pptx.presentation.Presentation) -> Document:
    return read_bytes("docs/a.pptx", saved(presentation))


def edited(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = {item: source.read(item) for item in source.namelist()}
    parts[name] = change(parts[name])
    return archive(parts)


def test_slides_are_pages_in_order_with_titles_and_notes() -> None:
    source = pptx.Presentation()
    for title, body in (
        ("Cooling", "The pump runs at 3 bar.\nCheck it weekly."),
        ("", "No title."),
    ):
        slide = source.slides.add_slide(source.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    slide.notes_slide.notes_text_frame.text = "Say this slowly."
    order = source.slides._sldIdLst
    document = read(source)
    assert document.text == (
        "Cooling\n\nThe pump runs at 3 bar.\nCheck it weekly.\n\nNo title.\n\nSay this slowly."
    )
    assert [s.heading for s in document.sections] == ["Cooling", "Slide 2"]
    assert [document.text[at : at + 7] for at in document.pages] == ["Cooling", "No titl"]
    assert document.title == "Cooling"
    order.insert(0, order[1])
    document = read(source)
    assert [document.text[at : at + 7] for at in document.pages] == ["No titl", "Cooling"]


def test_groups_tables_and_charts_are_read() -> None:
    source = pptx.Presentation()
    slide = source.slides.add_slide(source.slide_layouts[6])
    group = slide.shapes.add_group_shape().shapes.add_group_shape()
    group.shapes.add_textbox(*BOX).text_frame.text = "Deep inside"
    grid = slide.shapes.add_table(3, 3, *BOX).table
    for number, text in enumerate("abc"):
        grid.cell(0, number).text = text
    grid.cell(1, 0).merge(grid.cell(2, 0))
    grid.cell(1, 0).text = "tall"
    grid.cell(1, 1).merge(grid.cell(1, 2))
    grid.cell(1, 1).text = "wide"
    grid.cell(2, 1).text, grid.cell(2, 2).text = "d", "e"
    data = CategoryChartData()
    data.categories = ["May", "June"]
    data.add_series("Output", (1.5, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *BOX, data)
    document = read(source)
    assert document.text == (
        "Deep inside\n\na | b | c\ntall | wide\n | d | e\n\n | Output\nMay | 1.5\nJune | 2"
    )
    assert [block.header is not None for block in document.blocks] == [True, True]


def test_slide_numbers_and_dates_are_left_out_and_footers_read_once() -> None:
    source = pptx.Presentation()
    for _ in range(2):
        slide = source.slides.add_slide(source.slide_layouts[6])
        slide.shapes.add_textbox(*BOX).text_frame.text = "Text"
        for kind, text in (("sldNum", "77"), ("dt", "1 May"), ("ftr", "Plant North")):
            shape = slide.shapes.add_textbox(*BOX)
            shape.text_frame.text = text
            etree.SubElement(shape._element.nvSpPr.find("{*}nvPr"), f"{{{P}}}ph").set("type", kind)
    assert read(source).text == "Text\n\nText\n\nPlant North"


P = "http://schemas.openxmlformats.org/presentationml/2006/main"


def test_hidden_slides_are_read_and_named() -> None:
    source = pptx.Presentation()
    for text in ("One", "Two"):
        slide = source.slides.add_slide(source.slide_layouts[6])
        slide.shapes.add_textbox(*BOX).text_frame.text = text
    slide._element.set("show", "0")
    document = read(source)
    assert document.text == "One\n\nTwo"
    assert document.remarks == ("Slides that the presentation hides are read: 2.",)


def slide_of(shapes: str, **parts: tuple[str, str]) -> Document:
    files: dict[str, str | bytes] = {
        "_rels/.rels": relationships({"r": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": part(
            "p:presentation", '<p:sldIdLst><p:sldId id="256" r:id="s1"/></p:sldIdLst>'
        ),
        "ppt/_rels/presentation.xml.rels": relationships({"s1": ("slide", "slides/slide1.xml")}),
        "ppt/slides/slide1.xml": part("p:sld", f"<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>"),
        "ppt/slides/_rels/slide1.xml.rels": relationships(
            {name: (kind, f"../x/{name}.xml") for name, (kind, _) in parts.items()}
        ),
        **{f"ppt/x/{name}.xml": content for name, (_, content) in parts.items()},
    }
    return read_bytes("docs/a.pptx", archive(files))


def shape(text: str) -> str:
    return f"<p:sp><p:txBody>{text}</p:txBody></p:sp>"


def line(text: str, properties: str = "") -> str:
    return f"<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>"


def test_smart_art_pictures_and_comments() -> None:
    point = "<dgm:pt><dgm:t>{}</dgm:t></dgm:pt>"
    picture = '<p:pic><p:nvPicPr><p:cNvPr id="1" name="Bild 1"{}/></p:nvPicPr></p:pic>'
    document = slide_of(
        '<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm="d"/></a:graphicData>'
        "</a:graphic></p:graphicFrame>"
        + picture.format(' descr="Map of the site"')
        + picture.format(""),
        d=("diagramData", part("dgm:m", point.format(line("Plan")) + point.format(line("Do")))),
        c=("comments", part("p:cmLst", "<p:cm/><p:cm/>")),
    )
    assert document.text == "Plan\nDo\n\nMap of the site"
    assert document.remarks == (
        "Comments by reviewers are not read: 2.",
        "Pictures without a description, whose content is not read: 1.",
    )


def test_list_numbers_line_breaks_signs_and_formulas() -> None:
    numbered = '<a:pPr{}><a:buAutoNum type="{}"/></a:pPr>'
    text = (
        line("one", numbered.format("", "arabicPeriod"))
        + line("deep", numbered.format(' lvl="1"', "alphaLcParenR"))
        + line("two", numbered.format("", "arabicPeriod"))
        + "<a:p><a:r><a:t>a</a:t></a:r><a:br/><a:r><a:t>so\u00adft </a:t></a:r>"
        '<a:r><a:rPr><a:sym typeface="Wingdings"/></a:rPr><a:t>\uf0e0</a:t></a:r>'
        '<a:fld type="slidenum"><a:t>9</a:t></a:fld>'
        '<mc:AlternateContent><mc:Choice Requires="a14"><x:m xmlns:x="urn:x"><m:oMath><m:r>'
        "<m:t>y=1</m:t></m:r></m:oMath></x:m></mc:Choice><mc:Fallback><a:r><a:t>picture</a:t></a:r>"
        "</mc:Fallback></mc:AlternateContent></a:p>"
    )
    assert slide_of(shape(text)).text == "1. one\na) deep\n2. two\na\nsoft →y=1"


def test_struck_out_text_is_left_out_with_a_remark() -> None:
    struck = '<a:r><a:rPr strike="sngStrike"/><a:t>A</a:t></a:r>'
    document = slide_of(shape(f"<a:p>{struck}<a:r><a:t>B</a:t></a:r></a:p>"))
    assert document.text == "B"
    assert document.remarks == ("Struck-out text is left out.",)


def test_a_slide_that_is_listed_twice_or_linked_to_is_read_once() -> None:
    source = pptx.Presentation()
    for text in ("One", "Two"):
        slide = source.slides.add_slide(source.slide_layouts[6])
        slide.shapes.add_textbox(*BOX).text_frame.text = text
    source.slides[0].shapes[0].click_action.target_slide = slide
    document = read(source)
    assert document.text == "One\n\nTwo"
    again = b'<p:sldId id="257" r:id="r'
    data = edited(
        saved(source),
        "ppt/presentation.xml",
        lambda xml: xml.replace(
            b"</p:sldIdLst>", xml[xml.index(again) :].split(b"/>")[0] + b"/></p:sldIdLst>"
        ),
    )
    assert read_bytes("docs/a.pptx", data).text == "One\n\nTwo"


def test_a_damaged_or_missing_slide_costs_only_itself() -> None:
    source = pptx.Presentation()
    for text in ("One", "Two", "Three"):
        slide = source.slides.add_slide(source.slide_layouts[6])
        slide.shapes.add_textbox(*BOX).text_frame.text = text
    data = edited(saved(source), "ppt/slides/slide2.xml", lambda _: b"\x00")
    document = read_bytes("docs/a.pptx", data)
    assert document.text == "One\n\nThree"
    assert len(document.pages) == 3
    assert "ppt/slides/slide2.xml is damaged" in document.missing[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"text", "is not a PPTX"),
        (archive({"word/document.xml": part("w:document", "")}), "not a PPTX"),
        (saved(pptx.Presentation()), "no text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as PPTX"),
    ],
)
def test_a_file_that_is_not_a_presentation_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read_bytes("docs/a.pptx", data)


def test_slides_of_pictures_say_so() -> None:
    with pytest.raises(ReadError, match=r"only pictures \(1\)"):
        slide_of('<p:pic><p:nvPicPr><p:cNvPr id="1" name="x"/></p:nvPicPr></p:pic>')
