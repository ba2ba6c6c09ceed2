"""Reading PDFs: sections, titles, tables, forms, comments."""

from __future__ import annotations

import pytest
from reportlab.lib import colors
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Spacer, Table

from rag.readers.pdf.assemble import is_title
from tests.rag import pdfs
from tests.rag.pdfs import LEFT, RIGHT, both, draw, lines, read, text_of

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
