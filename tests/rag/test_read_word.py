"""The text of Word documents: tracked changes, numbers, fields, signs, and what is not text."""

from __future__ import annotations

import pytest

from rag.errors import ReadError
from tests.rag.office_files import cell, paragraph, row, run, table
from tests.rag.word_files import (
    CHANGED,
    NUMBERING,
    PICTURE,
    STYLES,
    field,
    listed,
    read,
    text_of,
)


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


def test_the_prompt_of_an_empty_content_control_is_not_text() -> None:
    control = (
        "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
        + run("Click to enter text.")
        + "</w:sdtContent></w:sdt>"
    )
    assert text_of(paragraph(run("Name: ") + control)) == "Name:"


def test_comments_are_counted_in_a_remark() -> None:
    document = read(
        paragraph("Text."), comments=f'<w:comment w:id="1">{paragraph("Really?")}</w:comment>'
    )
    assert document.text == "Text."
    assert document.remarks == ("Comments by reviewers are not read: 1.",)


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
