"""Reading PDFs: reading order, broken words, page breaks, tables, forms, scans, damaged files."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Spacer, Table

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import ReadOptions, read_bytes
from rag.readers.pdf import ocr
from rag.readers.pdf.assemble import is_title
from rag.readers.pdf.characters import Vocabulary, clean, join_lines
from rag.readers.pdf.report import pages_in_words
from tests.rag import pdfs
from tests.rag.pdfs import CHINESE, both, draw, lines

OCR = ReadOptions(ocr=True)
LEFT = (
    "The pump of the northern station",
    "was built in 2021 and is tested",
    "every month by two technicians.",
    "It stands in the lower cellar and",
    "is cooled by water from the river",
    "that runs past the station wall.",
)
RIGHT = (
    "The valve of the southern station",
    "was replaced after the flood and",
    "has a new seal made of rubber.",
    "A record of each test is kept in",
    "the office of the head engineer",
    "for a period of seven years.",
)


def read(data: bytes, options: ReadOptions | None = None) -> Document:
    return read_bytes("docs/a-file.pdf", data, options=options or ReadOptions())


def text_of(*pages: pdfs.Page) -> str:
    return read(draw(*pages)).text


# Characters and words


def test_ligatures_are_plain_letters() -> None:
    data = pdfs.page_of(
        b"BT /F1 12 Tf 60 700 Td (The \001nest \001lter of the classi\001er has an over\002ow) Tj "
        b"ET",
        b"/Times-Roman /Encoding << /Type /Encoding /Differences [1 /fi /fl /ffi] >>",
    )
    assert read(data).text == "The finest filter of the classifier has an overflow"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("e\ufb03cient \ufb00 \ufb05op", "efficient ff stop"),
        ("so\u00adft hyphen", "soft hyphen"),
        ("\ufee3\ufeae\ufea3\ufe92\ufe8e", "مرحبا"),
        ("\u2f00\u2f08", "一人"),
        ("a\u00a0b\u3000c  d", "a b c d"),
        ("\uf0b7 item", "• item"),
        ("x² ½ Ａ", "x² ½ Ａ"),
        ("\ud835 lone", "\ufffd lone"),
    ],
)
def test_only_typographic_forms_are_normalised(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("parts", "elsewhere", "joined"),
    [
        (("an accumu-", "lator"), "", "an accumulator"),
        (("an accumu\u00ad", "lator"), "", "an accumulator"),
        (("a well-", "known man"), "", "a well-known man"),
        (("a micro-", "service"), "every microservice here", "a microservice"),
        (("a micro-", "service"), "every micro-service here", "a micro-service"),
        (("the water-", "tower"), "a tower for water", "the water-tower"),
        (("state-of-the-", "art"), "", "state-of-the-art"),
        (("COVID-", "19"), "", "COVID-19"),
        (("an OP-", "TIONAL part"), "it is optional", "an OPTIONAL part"),
        (("see ASN1_TAG_", "ERROR"), "", "see ASN1_TAG_ERROR"),
        (("see https://example.org/docs/", "start"), "", "see https://example.org/docs/start"),
        (("Anglo-", "Saxon"), "", "Anglo-Saxon"),
        (("the 14-", "litre can"), "", "the 14-litre can"),
        (("pre-", "and post-war"), "", "pre- and post-war"),
        (("two", "words"), "", "two words"),
        (("检查结", "果写入"), "", "检查结果写入"),
        (("使用", "Python"), "", "使用Python"),
        (("서울의", "펌프"), "", "서울의 펌프"),
    ],
)
def test_words_broken_at_a_line_end_are_joined_by_rule(
    parts: tuple[str, str], elsewhere: str, joined: str
) -> None:
    vocabulary = Vocabulary()
    vocabulary.add([elsewhere])
    vocabulary.add(parts)
    assert join_lines(parts, vocabulary)[0] == joined


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.lists(st.text(alphabet="ab-\u00ad 中é.\ud800", max_size=8), max_size=6))
def test_joining_lines_keeps_all_letters_and_gives_offsets_in_order(parts: list[str]) -> None:
    cleaned = [line for part in parts if (line := clean(part))]
    text, starts = join_lines(cleaned, Vocabulary())
    assert [c for c in text if c.isalnum()] == [c for c in "".join(cleaned) if c.isalnum()]
    assert starts == sorted(starts)
    assert len(starts) == len(cleaned)
    assert all(start <= len(text) for start in starts)


def test_a_malformed_unicode_map_does_not_stop_the_reader() -> None:
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange\n"
        b"2 beginbfchar <01> <D835> <02> <D83DDE00> endbfchar endcmap end end"
    )
    data = pdfs.page_of(
        b"BT /F1 12 Tf 60 700 Td (The kiln \001 holds 980 degrees \002.) Tj ET",
        b"/Helvetica /ToUnicode 6 0 R",
        pdfs.stream(cmap),
    )
    text = read(data).text
    assert text.startswith("The kiln")
    assert "980 degrees" in text
    text.encode()


# Reading order


def test_two_columns_are_read_one_after_the_other() -> None:
    heading = lines("A report on two stations", y=770, size=16)
    document = read(draw(both(heading, lines(*LEFT, x=60), lines(*RIGHT, x=320))))
    assert document.text == (f"A report on two stations\n\n{' '.join(LEFT)}\n\n{' '.join(RIGHT)}")


def test_columns_drawn_row_by_row_are_read_one_after_the_other() -> None:
    def page(canvas: Canvas) -> None:
        for number, pair in enumerate(zip(LEFT, RIGHT, strict=True)):
            for text, x in zip(pair, (60, 320), strict=True):
                lines(text, x=x, y=740 - 14 * number)(canvas)

    assert text_of(page) == f"{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


def test_lines_of_two_columns_need_not_be_at_the_same_height() -> None:
    page = both(lines(*LEFT, x=60, size=10), lines(*RIGHT, x=228, y=735, size=10))
    assert text_of(page) == f"{' '.join(LEFT)}\n\n{' '.join(RIGHT)}"


def test_a_sentence_goes_on_in_the_next_column() -> None:
    left = (*LEFT[:5], "that may be opened by no other")
    right = ("person than the engineer of the", "shift, who holds the key.", *RIGHT)
    text = text_of(both(lines(*left, x=60), lines(*right, x=320)))
    assert "that may be opened by no other person than the engineer of the shift" in text


@pytest.mark.parametrize(("count", "gutter"), [(2, 14.0), (2, 10.0), (3, 14.0)])
def test_an_article_in_columns_is_read_with_whole_paragraphs(count: int, gutter: float) -> None:
    """Justified text with headings; the heads of left and right pages differ."""
    sentences = [" ".join(LEFT), " ".join(RIGHT)]
    paragraphs = [f"[{n:02}] " + " ".join(sentences[n % 2 :] * 4) + " so be it" for n in range(40)]
    styles = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=styles["Normal"], alignment=4, fontSize=9, leading=11,
                          firstLineIndent=10)  # fmt: skip
    parts: list[Flowable] = []
    for number, text in enumerate(paragraphs):
        if number % 8 == 0:
            parts.append(Paragraph(f"{number // 8 + 1}. About the stations", styles["Heading2"]))
        parts.append(Paragraph(text, body))
    document = read(pdfs.article(parts, count=count, gutter=gutter))
    assert len(document.pages) > 2
    assert [text for text in paragraphs if text not in document.text] == []
    order = [document.text.index(text) for text in paragraphs]
    assert order == sorted(order)
    assert [section.heading for section in document.sections] == [
        f"{n}. About the stations" for n in range(1, 6)
    ]
    assert document.text.count("Annals of pumping") == 1


def test_paragraphs_end_at_space_indentation_and_list_items() -> None:
    first = ("The pump is tested every month by two technicians of the works, who",
             "write what they find into the book.")  # fmt: skip
    second = ("People never work at the pump alone; the second person stays outside and",
              "keeps watch.")  # fmt: skip
    text = text_of(lines(*first, "", *second, "", "Needed are:", "• a spanner", "• oil of the"))
    assert text.split("\n\n") == [
        " ".join(first), " ".join(second), "Needed are:", "• a spanner", "• oil of the",
    ]  # fmt: skip
    indented = both(lines(*first), lines(second[0], x=90, y=712), lines(second[1], y=698))
    assert text_of(indented).split("\n\n") == [" ".join(first), " ".join(second)]


def test_lines_of_chinese_are_joined_without_a_space() -> None:
    page = lines(
        "泵站维护手册",
        "泵站的离心泵每三个月检查一次，检查由两名技术人员进行，检查结",
        "果写入登记簿，并由值班负责人签字确认。登记簿保存七年，任何人",
        "不得擅自带走。",
        font=CHINESE,
    )
    assert text_of(page) == (
        "泵站维护手册\n\n泵站的离心泵每三个月检查一次，检查由两名技术人员进行，检查结果写入登记簿，"
        "并由值班负责人签字确认。登记簿保存七年，任何人不得擅自带走。"
    )


def test_chinese_without_an_embedded_font_is_read_although_pdfium_leaves_it_out() -> None:
    def each_alone(canvas: Canvas) -> None:
        canvas.setFont(CHINESE, 14)
        for number, character in enumerate("离心泵每三个月检查一次"):
            canvas.drawString(72 + 14 * number, 700, character)

    assert text_of(each_alone).replace("\n", "") == "离心泵每三个月检查一次"
    columns = (b"BT /F1 14 Tf 1 0 0 1 500 760 Tm <79bb5fc36cf56bcf4e094e2a> Tj "
               b"1 0 0 1 476 760 Tm <67088bbe67e54e006b21> Tj ET")  # fmt: skip
    vertical = pdfs.page_of(
        columns,
        b"/STSong-Light /Encoding /UniGB-UCS2-V /DescendantFonts [6 0 R]",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo "
        b"<< /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /FontDescriptor 7 0 R >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /ItalicAngle 0 /StemV 93 "
        b"/FontBBox [-25 -254 1000 880] /Ascent 880 /Descent -120 /CapHeight 880 >>",
        kind=b"/Type0",
    )
    assert read(vertical).text.replace("\n", "") == "离心泵每三个月设查一次"


@pytest.mark.parametrize("page_rotation", [0, 90, 180, 270])
def test_rotated_text_is_read_line_by_line(page_rotation: int) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setPageRotation(page_rotation)
        canvas.translate(100, 100)
        canvas.rotate(90)
        lines(*LEFT, x=0, y=0)(canvas)

    assert text_of(page) == " ".join(LEFT)


def test_a_watermark_is_kept_once() -> None:
    def page(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.translate(200, 300)
        canvas.rotate(45)
        canvas.setFont("Helvetica", 60)
        canvas.drawString(0, 0, "DRAFT COPY")
        canvas.restoreState()

    text = text_of(both(lines(*LEFT), page), both(lines(*RIGHT), page))
    assert text.count("DRAFT COPY") == 1
    assert " ".join(LEFT) in text


def test_labels_and_values_are_not_two_columns() -> None:
    labels = ("Name of the inspector:", "Place of the inspection:", "Number of the machine:",
              "Result of the inspection:")  # fmt: skip
    values = ("Mara Voss of the Elm works", "Cellar of the northern hall", "Serial number 17-332",
              "Passed without any remark")  # fmt: skip
    text = text_of(both(lines(*labels), lines(*values, x=300)))
    for label, value in zip(labels, values, strict=True):
        assert f"{label} | {value}" in text or f"{label} {value}" in text


def test_text_that_is_drawn_twice_to_look_bold_is_read_once() -> None:
    page = both(lines("The valve opens."), lines("The valve opens.", x=72.4))
    assert text_of(page) == "The valve opens."


def test_a_font_with_a_box_as_high_as_several_lines_is_read_line_by_line() -> None:
    data = pdfs.page_of(
        b"BT /F1 10 Tf 12 TL 60 700 Td (The first line is the longest of) Tj T* (all three, and "
        b"the second) Tj T* (one is shorter.) Tj ET",
        b"/Odd /FirstChar 32 /LastChar 126 /Widths [" + b"500 " * 95 + b"] /FontDescriptor 6 0 R",
        b"<< /Type /FontDescriptor /FontName /Odd /Flags 32 /FontBBox [0 -3000 1000 3000] "
        b"/ItalicAngle 0 /Ascent 3000 /Descent -3000 /CapHeight 700 /StemV 80 >>",
    )
    assert (
        read(data).text
        == "The first line is the longest of all three, and the second one is shorter."
    )


# Page breaks


def framed(number: int, *texts: str) -> pdfs.Page:
    """Return a page with a running head, a running foot and a page number."""
    return both(
        lines("Handbook of the Elm works", y=800, size=9),
        lines(*texts),
        lines("Confidential", y=40, size=9),
        lines(f"Page {number} of 3", x=270, y=28, size=9),
    )


def test_a_sentence_runs_over_page_breaks_and_running_heads() -> None:
    document = read(
        draw(
            framed(1, "The boiler of the works is to be opened by no other person than the"),
            framed(2, "chief engineer of the night shift, who reads the accumu-"),
            framed(3, "lator, too. The engineer writes what was found into the book."),
        )
    )
    sentence = (
        "The boiler of the works is to be opened by no other person than the chief engineer of "
        "the night shift, who reads the accumulator, too."
    )
    assert sentence in document.text
    assert document.text.count("Handbook of the Elm works") == 1
    assert document.text.count("Confidential") == 1
    assert "Page 1" not in document.text
    assert [document.text[at:].split()[0] for at in document.pages] == [
        "Handbook", "chief", "accumulator,",
    ]  # fmt: skip


def test_a_sentence_of_chinese_runs_over_a_page_break() -> None:
    document = read(
        draw(
            lines("泵站的离心泵每三个月检查一次，检查由", font=CHINESE),
            lines("持有甲级证书的技术人员进行。", font=CHINESE),
        )
    )
    assert document.text == "泵站的离心泵每三个月检查一次，检查由持有甲级证书的技术人员进行。"
    assert document.pages == (0, 18)


def test_a_footnote_does_not_cut_a_sentence() -> None:
    body = lines("The works was founded in 1901 by the brothers Elm and is known for the")
    note = lines("1 See the chronicle of 1951.", y=60, size=8)
    text = text_of(both(body, note), lines("care that it gives to its old machines."))
    assert "is known for the care that it gives" in text
    assert "1 See the chronicle of 1951." in text


def test_page_numbers_alone_do_not_cut_a_sentence() -> None:
    texts = ("The boiler may be opened by no other person than the", "engineer of the night.")
    pages = [both(lines(text), lines(str(n), x=290, y=30)) for n, text in enumerate(texts, 7)]
    assert text_of(*pages) == " ".join(texts)


def test_lines_of_a_table_of_contents_stay_apart() -> None:
    text = text_of(lines("Pump care ................ 3", "Valve care ............... 5"))
    assert text == "Pump care … 3\n\nValve care … 5"


@pytest.mark.parametrize("word", ["Chapter", "Step"])
def test_headings_with_numbers_are_not_page_numbers(word: str) -> None:
    text = text_of(*(lines(f"{word} {n}", "", *LEFT[n : n + 3], y=800) for n in (1, 2, 3)))
    assert all(f"{word} {n}" in text for n in (1, 2, 3))


def test_records_with_a_number_of_their_own_are_kept() -> None:
    pages = [both(lines(f"Invoice {n}", y=800), lines(*LEFT[i:])) for i, n in enumerate((17, 23))]
    assert "Invoice 23" in text_of(*pages)


# Structure


def test_bookmarks_are_sections() -> None:
    def first(canvas: Canvas) -> None:
        canvas.bookmarkPage("a", fit="XYZ", left=0, top=760)
        canvas.addOutlineEntry("Pump", "a", 0)
        canvas.bookmarkPage("b", fit="XYZ", left=0, top=700)
        canvas.addOutlineEntry("Valve care", "b", 1)
        lines("1 Pump", "The pump runs at 3 bar and is", "tested monthly.",
              "Valve care", "The valve is greased once a year.")(canvas)  # fmt: skip

    def second(canvas: Canvas) -> None:
        canvas.bookmarkPage("c", fit="XYZ", left=0, top=720)
        canvas.addOutlineEntry("Not on the page", "c", 0)
        lines("More about things.", y=690)(canvas)

    document = read(draw(first, second))
    assert {s.heading: document.text[s.start : s.end].strip() for s in document.sections} == {
        "1 Pump": "1 Pump\n\nThe pump runs at 3 bar and is tested monthly.",
        "1 Pump > Valve care": "Valve care\n\nThe valve is greased once a year.",
        "Not on the page": "More about things.",
    }


def test_large_lines_are_sections_and_pages_are_not() -> None:
    styles = getSampleStyleSheet()
    story = [
        Paragraph("Care of the stations", styles["Heading1"]),
        Paragraph(" ".join(LEFT) * 20, styles["Normal"]),
        Paragraph("Valves", styles["Heading2"]),
        Paragraph(" ".join(RIGHT) * 20, styles["Normal"]),
    ]
    document = read(pdfs.story(story))
    assert len(document.pages) > 1
    assert [section.heading for section in document.sections] == [
        "Care of the stations", "Care of the stations > Valves",
    ]  # fmt: skip
    assert document.title == "Care of the stations"


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Handbook of the works", True),
        ("泵站手册", True),
        ("Microsoft Word - final2.doc", False),
        ("untitled", False),
        ("report.docx", False),
        ("文档1", False),
        ("12", False),
        ("", False),
    ],
)
def test_a_title_that_a_program_made_up_is_not_used(title: str, kept: bool) -> None:
    assert is_title(title) is kept
    document = read(draw(lines(*LEFT), title=title))
    assert document.title == (title if kept else "a file")


# Tables


def grid(rows: list[list[str]], *spans: tuple[tuple[int, int], tuple[int, int]]) -> Table:
    table = Table(rows, repeatRows=1)
    table.setStyle(
        [("GRID", (0, 0), (-1, -1), 0.5, colors.black), *(("SPAN", *span) for span in spans)]
    )
    return table


def test_a_ruled_table_over_pages_is_one_table_with_its_header_once() -> None:
    rows = [[f"Part {i}", f"{i} kg", f"{3 * i} EUR"] for i in range(1, 120)]
    normal = getSampleStyleSheet()["Normal"]
    story = [
        Paragraph(" ".join(LEFT), normal),
        Spacer(1, 20),
        grid([["Part", "Weight", "Price"], *rows]),
        Spacer(1, 20),
        Paragraph(" ".join(RIGHT), normal),
    ]
    document = read(pdfs.story(story))
    [block] = document.blocks
    assert document.text[block.start : block.end] == "\n".join(
        ["Part | Weight | Price", *(" | ".join(row) for row in rows)]
    )
    assert block.header is not None
    assert document.text[slice(*block.header)] == "Part | Weight | Price"
    assert document.text.startswith(" ".join(LEFT))
    assert document.text.endswith(" ".join(RIGHT))
    assert len(document.pages) == 4
    assert all(document.text[at:].startswith("Part ") for at in document.pages[1:])


def test_tables_beside_each_other_are_both_read() -> None:
    tables = [grid([["Name", "Use"], [name, "old"]]) for name in ("Pump", "Valve")]
    document = read(pdfs.story([Table([tables])]))
    assert document.text == "Name | Use\nPump | old\n\nName | Use\nValve | old"


def test_a_table_in_a_column_does_not_mix_the_columns() -> None:
    def page(canvas: Canvas) -> None:
        lines(*LEFT, x=60)(canvas)
        table = grid([["Name", "Use"], ["Pump", "old"]])
        table.wrapOn(canvas, 200, 100)
        table.drawOn(canvas, 60, 610)
        lines(*RIGHT, *RIGHT, *RIGHT, x=320)(canvas)

    left, table, right = text_of(page).split("\n\n", 2)
    assert left == " ".join(LEFT)
    assert table == "Name | Use\nPump | old"
    assert " ".join(right.split()) == " ".join(RIGHT * 3)


def test_a_merged_cell_is_there_once_and_lines_of_a_cell_are_joined() -> None:
    rows = [["Region", "Sales", ""], ["", "2023", "2024"], ["North", "5", "6"],
            ["South", "7 accumu-\nlators", "8"]]  # fmt: skip
    document = read(pdfs.story([grid(rows, ((1, 0), (2, 0)), ((0, 0), (0, 1)))]))
    assert document.text.split("\n") == [
        "Region | Sales | ", " | 2023 | 2024", "North | 5 | 6", "South | 7 accumulators | 8",
    ]  # fmt: skip
    assert document.blocks[0].header == (0, document.text.index("\nNorth"))


def test_a_table_without_ruled_lines_keeps_its_rows() -> None:
    rows = [("Part", "Weight"), ("Pump", "12 kg"), ("Valve", "1 kg"), ("Pipe of steel", "3 kg")]
    columns = [lines(*(row[i] for row in rows), x=72 + 150 * i) for i in (0, 1)]
    document = read(draw(both(*columns)))
    assert document.text == "Part | Weight\nPump | 12 kg\nValve | 1 kg\nPipe of steel | 3 kg"
    assert document.blocks[0].header == (0, 13)


# Forms and comments


def test_form_values_stand_beside_their_labels() -> None:
    def page(canvas: Canvas) -> None:
        form = canvas.acroForm
        lines("Inspector:", "", "Colour", "", y=700)(canvas)
        form.textfield(name="inspector", x=150, y=694, width=200, height=18, value="Mara Voss")
        form.choice(name="colour", x=150, y=666, width=99, height=18, value="Green",
                    options=["Red", "Green"])  # fmt: skip
        lines("Leak test passed", "", "Noise test passed", x=95, y=640)(canvas)
        form.checkbox(name="leak", x=72, y=636, size=14, checked=True)
        form.checkbox(name="noise", x=72, y=608, size=14, checked=False)
        form.checkbox(name="approved_by_office", x=72, y=560, size=14, checked=True)
        form.textfield(name="serial_number", x=72, y=500, width=200, height=18, value="X-17")
        form.textfield(name="empty", x=72, y=470, width=200, height=18, value="")

    text = text_of(page)
    assert text.replace("\n\n", "\n").split("\n") == [
        "Inspector: Mara Voss", "Colour Green", "[x] Leak test passed", "[ ] Noise test passed",
        "[x] approved by office", "serial number: X-17",
    ]  # fmt: skip


def test_comments_are_read() -> None:
    def page(canvas: Canvas) -> None:
        lines(*LEFT)(canvas)
        canvas.textAnnotation("Ask the night shift", Rect=(400, 700, 420, 720), addtopage=1)
        canvas.freeTextAnnotation("Keep it shut", "/Helv 10 Tf", Rect=(400, 600, 500, 620))

    text = text_of(page)
    assert "Comment: Ask the night shift" in text
    assert "Keep it shut" in text


# Pages without text


def test_scanned_pages_between_others_are_named() -> None:
    scan = pdfs.picture("The valve opens at 6.4 bar.")
    document = read(draw(lines(*LEFT), scan, lines(*RIGHT), scan, lines()))
    assert document.missing == (
        "pages 2 and 4 have no text; they may be scans: set documentOcr to tesseract",
    )
    assert document.remarks == ("page 5 is blank",)
    end = len(document.text)
    assert document.pages == (0, len(" ".join(LEFT)) + 2, len(" ".join(LEFT)) + 2, end, end)


def test_a_scan_with_a_printed_page_number_is_named() -> None:
    scan = pdfs.picture(*["The valve opens at 6.4 bar."] * 12, x=0, y=60, width=595)
    foot = lines("Archive copy 2", y=20)
    document = read(draw(lines(*LEFT), both(scan, foot)))
    assert document.missing == (
        "page 2 is a picture with hardly any text; it may be a scan: set documentOcr to tesseract",
    )


def test_text_drawn_as_curves_is_named() -> None:
    def page(canvas: Canvas) -> None:
        canvas.bezier(100, 100, 200, 300, 300, 300, 400, 100)

    assert read(draw(lines(*LEFT), page)).missing[0].startswith("page 2 has no text")


def test_letters_that_the_font_does_not_tell_are_named() -> None:
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange\n"
        b"1 beginbfrange <20> <7E> <E020> endbfrange endcmap end end"
    )
    data = pdfs.page_of(
        b"BT /F1 12 Tf 60 700 Td (The valve opens at 6.4 bar, and not before.) Tj ET",
        b"/Helvetica /ToUnicode 6 0 R",
        pdfs.stream(cmap),
    )
    with pytest.raises(ReadError, match="fonts that do not tell their letters"):
        read(data)


def test_a_file_of_scans_is_an_error_that_names_the_setting() -> None:
    scan = pdfs.picture("The valve opens at 6.4 bar.")
    with pytest.raises(ReadError, match=r"all 2 pages have no text; they may be .*documentOcr"):
        read(draw(scan, scan))
    with pytest.raises(ReadError, match="the only page has no text: nothing is drawn there"):
        read(draw(lines()))


@pytest.mark.parametrize(
    ("indices", "words"),
    [([1], "page 2"), ([4, 1], "pages 2 and 5"), ([0, 1, 2, 3, 8], "pages 1-4 and 9")],
)
def test_pages_in_words(indices: list[int], words: str) -> None:
    assert pages_in_words(indices) == words


# OCR


@pytest.fixture
def fake_tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a program named ``tesseract`` on PATH; it runs the file ``ocr.sh`` for each page."""
    program = tmp_path / "tesseract"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --list-langs ]; then printf "List of languages:\\neng\\n"; exit; fi\n'
        f'echo "$@" > {tmp_path}/arguments\nhead -c 2 > {tmp_path}/magic\n. {tmp_path}/ocr.sh\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    yield tmp_path


SCANNED = (lines(*LEFT), pdfs.picture("a scan"), lines(*RIGHT))


def test_ocr_reads_the_scanned_pages_and_a_remark_names_them(fake_tesseract: Path) -> None:
    (fake_tesseract / "ocr.sh").write_text("printf 'The valve opens\\nat 6.4 bar.\\n\\nNext\\f'")
    document = read(draw(*SCANNED), OCR)
    assert "The valve opens at 6.4 bar.\n\nNext" in document.text
    assert document.missing == ()
    assert document.remarks == ("page 2 was read by OCR (eng; tesseract has no data for chi_sim)",)
    assert document.text[document.pages[1] :].startswith("The valve opens")
    assert (fake_tesseract / "arguments").read_text().split() == ["stdin", "stdout", "-l", "eng"]
    assert (fake_tesseract / "magic").read_bytes() == b"P5"


def test_ocr_that_finds_nothing_or_fails_is_reported(fake_tesseract: Path) -> None:
    (fake_tesseract / "ocr.sh").write_text("true")
    assert read(draw(*SCANNED), OCR).missing == ("page 2 has no text; OCR found no text either",)
    (fake_tesseract / "ocr.sh").write_text("echo 'no memory' >&2; exit 3")
    assert read(draw(*SCANNED), OCR).missing == (
        "OCR failed on page 2: tesseract ended with exit code 3: no memory",
    )


def test_ocr_has_a_time_limit(fake_tesseract: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "PAGE_TIMEOUT_SECONDS", 0.2)
    (fake_tesseract / "ocr.sh").write_text("exec sleep 30")
    [sentence] = read(draw(*SCANNED), OCR).missing
    assert sentence.startswith("OCR failed on page 2: tesseract took longer than")


def test_ocr_without_tesseract_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    [sentence] = read(draw(*SCANNED), OCR).missing
    assert sentence.startswith("page 2 has no text; OCR is on, but tesseract is not installed")
    with pytest.raises(ReadError, match="tesseract is not installed"):
        read(draw(SCANNED[1]), OCR)


def test_ocr_without_data_for_the_language_is_reported(fake_tesseract: Path) -> None:
    (fake_tesseract / "ocr.sh").write_text("true")
    [sentence] = read(draw(*SCANNED), ReadOptions(ocr=True, ocr_languages=("jpn",))).missing
    assert "tesseract has no data for jpn; it has eng" in sentence


def test_tesseract_reads_a_scan() -> None:
    try:
        ocr.languages_of(["eng"])
    except ocr.OcrError as error:
        pytest.skip(f"the test needs Tesseract with English: {error}")
    scan = pdfs.picture("Safety valve of the Cragside boiler:", "opens at 6.4 bar.")
    document = read(draw(lines(*LEFT), scan), ReadOptions(ocr=True, ocr_languages=("eng",)))
    assert "opens at 6.4 bar" in document.text


# Damaged and locked files


def test_an_empty_password_opens_and_a_password_is_an_error() -> None:
    assert read(draw(lines(*LEFT), encrypted=True)).text == " ".join(LEFT)
    with pytest.raises(ReadError, match="needs a password; save it without a password"):
        read(draw(lines(*LEFT), encrypted=True, password="x"))


def test_a_broken_list_of_objects_is_repaired() -> None:
    whole = draw(lines(*LEFT), lines(*RIGHT))
    assert read(whole.replace(b"startxref\n", b"startxref\n9")) == read(whole)


def test_of_a_file_that_is_cut_off_the_pages_that_are_there_are_read() -> None:
    pages = [f"Page {n} is about " + " ".join(LEFT) for n in "ABCDEFGH"]
    objects = pdfs.page_objects([pdfs.show(text) for text in pages])
    whole = pdfs.raw_pdf(objects)
    document = read(whole[: int(len(whole) * 0.6)])
    assert pages[0] in document.text
    assert pages[7] not in document.text
    assert document.missing[0].startswith("the file is cut off before its end")
    # Here the list of pages comes last, so that nothing is left of it.
    catalogue_last = pdfs.raw_pdf(objects, first_last=True)
    document = read(catalogue_last[: catalogue_last.index(b"/Catalog")])
    assert all(text in document.text for text in pages)


def test_a_file_that_claims_to_have_a_million_pages_is_read_quickly() -> None:
    objects = pdfs.page_objects([pdfs.show("Some text")])
    objects[1] = objects[1].replace(b"/Count 1", b"/Count 1000000")
    document = read(pdfs.raw_pdf(objects))
    assert document.text == "Some text"
    assert document.missing[0].startswith("pages 2-201 cannot be read")
    assert document.missing[0].endswith("999,799 further pages were not tried")


def test_what_is_not_a_pdf_is_an_error() -> None:
    for data in (b"%PDF-1.7 nothing more", b"no PDF at all", b"%PDF-"):
        with pytest.raises(ReadError, match="the PDF is damaged"):
            read(data)


SMALL = draw(both(lines(*LEFT, x=60), lines(*RIGHT, x=320)), pdfs.picture("a scan"))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=30
    ),
    st.integers(len(SMALL) // 8, len(SMALL)),
)
def test_a_damaged_file_is_read_or_is_a_read_error(
    changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(SMALL)
    for at, byte in changes:
        data[at] = byte
    try:
        document = read(bytes(data[:length]))
    except ReadError:
        return
    assert list(document.pages) == sorted(document.pages)
    assert all(0 <= at <= len(document.text) for at in document.pages)
    document.text.encode()


def test_bookmarks_in_a_circle_and_pages_in_a_circle_end() -> None:
    objects = pdfs.page_objects([pdfs.show("Some text")], catalogue=b"/Outlines 100 0 R")
    circle = pdfs.raw_pdf(
        [
            *objects,
            *[b"null"] * (99 - len(objects)),
            b"<< /First 101 0 R /Last 101 0 R >>",
            b"<< /Title (A) /Parent 100 0 R /Next 101 0 R /First 100 0 R /Dest [3 0 R /Fit] >>",
        ]
    )
    assert read(circle).text == "Some text"
    pages = list(objects)
    pages[1] = b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 9 >>"
    with pytest.raises(ReadError):
        read(pdfs.raw_pdf(pages[:2]))


def test_several_threads_may_read_at_once() -> None:
    data = draw(*[both(lines(*LEFT, x=60), lines(*RIGHT, x=320))] * 4)
    expected = read(data)
    found: list[Document] = []
    threads = [threading.Thread(target=lambda: found.append(read(data))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6
