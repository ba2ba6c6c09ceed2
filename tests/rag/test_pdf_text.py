"""Reading PDFs: characters, broken words, columns, paragraphs, page breaks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph

from rag.readers.pdf.characters import Vocabulary, clean, join_lines
from tests.rag import pdfs
from tests.rag.pdfs import CHINESE, LEFT, RIGHT, both, draw, lines, read, text_of

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
        b"3 beginbfchar <01> <D835> <02> <D83DDE00> <03> <D840DC00> endbfchar endcmap end end"
    )
    data = pdfs.page_of(
        b"BT /F1 12 Tf 60 700 Td (The kiln \001 holds 980 degrees \002 \003.) Tj ET",
        b"/Helvetica /ToUnicode 6 0 R",
        pdfs.stream(cmap),
    )
    assert read(data).text == "The kiln \ufffd holds 980 degrees \U0001f600 \U00020000."


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
            framed(3, "lator, too. The engineer writes the reading into the book."),
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


@pytest.mark.parametrize(
    "head",
    ["Annals of pumping {}", "{} Annals of pumping", "Rules, page {} of 9", "第 {} 页", "Seite {}"],
)
def test_a_head_with_the_page_number_does_not_cut_a_sentence(head: str) -> None:
    font = CHINESE if "第" in head else "Helvetica"
    texts = ("The boiler may be opened by no other person than the", "engineer of the night.")
    pages = [
        both(lines(head.format(number), y=800, font=font), lines(text))
        for number, text in enumerate(texts, 1)
    ]
    assert " ".join(texts) in text_of(*pages)


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


@pytest.mark.parametrize("numbers", [(17, 23, 40), (17, 18, 19), (1, 2, 3)])
def test_records_with_a_number_of_their_own_are_kept(numbers: tuple[int, ...]) -> None:
    pages = [both(lines(f"Invoice {n}", y=770), lines(*LEFT[i:])) for i, n in enumerate(numbers)]
    text = text_of(*pages)
    assert all(f"Invoice {number}" in text for number in numbers)


def test_rows_of_a_table_with_numbers_that_grow_are_kept() -> None:
    rows = [("Pump", "7"), ("Valve", "8")]
    text = text_of(
        *(
            both(lines(name, y=760), lines(count, x=300, y=760), lines(*LEFT))
            for name, count in rows
        )
    )
    assert "Pump 7" in text
    assert "Valve 8" in text
