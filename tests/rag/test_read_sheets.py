"""Excel workbooks: sheets are sections with tables, and values read as their cells show them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.worksheet.table import Table

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes
from rag.readers.number_formats import shown_number
from tests.rag.office_files import archive, part, relationships


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(book: openpyxl.Workbook) -> Document:
    return read_bytes("docs/a.xlsx", saved(book))


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> Document:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = {item: source.read(item) for item in source.namelist()}
    parts[name] = change(parts[name])
    return read_bytes("docs/a.xlsx", archive(parts))


def header_of(document: Document, number: int = 0) -> str:
    header = document.blocks[number].header
    return "" if header is None else document.text[slice(*header)]


def filled(*rows: tuple[object, ...]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def test_each_sheet_is_a_section_with_a_table_and_its_header() -> None:
    book = filled(("Part", "Price"), ("Seal", 3), ("Valve", 12.5))
    book.active.title = "Parts"
    book.create_sheet("Notes")["B2"] = "Prices without tax."
    book.create_sheet("Empty")
    document = read(book)
    assert document.text == (
        "Parts\n\nPart | Price\nSeal | 3\nValve | 12.5\n\nNotes\n\nPrices without tax."
    )
    assert [section.heading for section in document.sections] == ["Parts", "Notes"]
    assert header_of(document) == "Part | Price"


def test_a_title_above_the_table_belongs_to_its_header() -> None:
    book = filled(("Price list 2031",), ("Part", "Price"), ("Seal", 3))
    book.active.merge_cells("A1:B1")
    assert header_of(read(book)) == "Price list 2031 | \nPart | Price"


def test_a_table_that_excel_knows_has_its_header_row() -> None:
    book = filled((1, 2020, 2021), (2, 30, 40), (3, 50, 60))
    assert header_of(read(book)) == ""
    book = filled(("1", "2020", "2021"), (2, 30, 40), (3, 50, 60))
    book.active.add_table(Table(displayName="T", ref="A1:C3"))
    assert header_of(read(book)) == "1 | 2020 | 2021"


def test_empty_rows_divide_tables_but_not_a_list_with_gaps() -> None:
    book = filled(
        ("a", "b"), ("x", 1), (), ("y", 2), (), ("Second list",), (), ("c", "d"), ("z", 3)
    )
    document = read(book)
    assert document.text == "Sheet\n\na | b\nx | 1\ny | 2\n\nSecond list\n\nc | d\nz | 3"
    assert [header_of(document, number) for number in (0, 1)] == ["a | b", "c | d"]


def test_far_cells_do_not_widen_the_table() -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1"], book.active["B1048576"] = "a", "b", "c"
    assert read(book).text == "Sheet\n\na | b\n\nc"


def test_values_read_as_their_cells_show_them() -> None:
    book = openpyxl.Workbook()
    values: list[tuple[object, str, str]] = [
        (date(2031, 3, 5), "yyyy-mm-dd", "2031-03-05"),
        (date(2031, 3, 5), "DD.MM.YYYY", "05.03.2031"),
        (datetime(2031, 3, 5, 14, 7), "yyyy-mm-dd hh:mm", "2031-03-05 14:07"),
        (time(9, 30), "h:mm AM/PM", "9:30 AM"),
        (timedelta(hours=30, minutes=5), "[h]:mm", "30:05"),
        (0.125, "0.0%", "12.5%"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (1234.5, '#,##0.00 "€"', "1,234.50 €"),
        (-5.25, "0.00;(0.00)", "(5.25)"),
        (42, "00000", "00042"),
        (0.1 + 0.2, "General", "0.3"),
        (True, "General", "TRUE"),
        ("#N/A", "General", "#N/A"),
    ]
    for number, (value, code, _) in enumerate(values, start=1):
        book.active.cell(number, 1, f"v{number}")
        cell = book.active.cell(number, 2, value)
        cell.number_format = code
    lines = read(book).text.split("\n\n")[1].splitlines()
    assert lines == [f"v{number} | {shown}" for number, (_, _, shown) in enumerate(values, start=1)]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        ("45000.5", "", "45000.5"),
        ("1E+20", "", "1e+20"),
        ("59", "yyyy-mm-dd", "1900-02-28"),
        ("61", "yyyy-mm-dd", "1900-03-01"),
        ("47547", "yyyy年m月d日", "2030年3月5日"),
        ("47547", "[$-409]d mmmm yyyy;@", "5 March 2030"),
        ("0.000011574", "mm:ss.0", "00:01.0"),
        ("0.99999999", "h:mm:ss", "0:00:00"),
        ("1500000", '0.0,,"M"', "1.5M"),
        ("12.30", "0.##", "12.3"),
        ("12", "0.##", "12"),
        ("1234", "0.00E+00", "1.23E+03"),
        ("5", "[$¥-804]#,##0.00", "¥5.00"),
        ("-5", "$0", "-$5"),
        ("0", '0;-0;"none"', "0"),
        ("0.5", "# ?/?", "0.5"),
        ("-1", "yyyy-mm-dd", "-1"),
        ("nan", "0", "nan"),
        ("1e400", "0", "inf"),
        ("9e15", "yyyy", "9e+15"),
        ("text", "0", "text"),
    ],
)
def test_a_number_is_shown_by_its_format(value: str, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


def test_days_can_count_from_1904() -> None:
    assert shown_number("0", "yyyy-mm-dd", from_1904=True) == "1904-01-01"


def test_a_formula_without_a_result_is_reported() -> None:
    book = filled(("Sum", "=1+1"), ("Rest", "=A1"))
    document = read(book)
    assert document.text == "Sheet\n\nSum\nRest"
    (sentence,) = document.missing
    assert sentence.startswith("Sheet Sheet: 2 formulas have no stored result (first: B1). Open")


def test_a_formula_gives_its_stored_result() -> None:
    def solve(xml: bytes) -> bytes:
        return xml.replace(b"<v/>", b"<v>2</v>").replace(b"<v></v>", b"<v>2</v>")

    document = changed(saved(filled(("Sum", "=1+1"))), "xl/worksheets/sheet1.xml", solve)
    assert document.text == "Sheet\n\nSum | 2"
    assert document.missing == ()


def test_hidden_sheets_are_read_and_named() -> None:
    book = filled(("Shown",))
    book.create_sheet("Old prices")["A1"] = "Hidden"
    book["Old prices"].sheet_state = "veryHidden"
    document = read(book)
    assert document.text == "Sheet\n\nShown\n\nOld prices\n\nHidden"
    assert document.remarks == ("Sheets that the workbook hides are read: Old prices.",)


def test_hidden_rows_and_columns_are_read_with_a_remark() -> None:
    book = filled(("a", "b"), ("c", "d"))
    book.active.row_dimensions[2].hidden = True
    document = read(book)
    assert document.text == "Sheet\n\na | b\nc | d"
    assert document.remarks == ("Hidden rows or columns are read, in the sheets: Sheet.",)
    book = filled(("a", "b"), ("c", "d"))
    book.active.column_dimensions["B"].hidden = True
    assert len(read(book).remarks) == 1


def test_comments_on_cells_are_counted() -> None:
    book = filled(("Text",))
    book.active["A1"].comment = Comment("Really?", "A")
    assert read(book).remarks == ("Comments on cells are not read: 1.",)


def test_a_large_sheet_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.sheets._MAX_CELLS", 6)
    book = filled(*((f"r{number}", "x") for number in range(1, 9)))
    book.create_sheet("Next")["A1"] = "unread"
    document = read(book)
    assert document.text == "Sheet\n\nr1 | x\nr2 | x\nr3 | x"
    assert document.missing == (
        "Sheet Sheet is read up to row 3 only, because a workbook is read up to 6 cells. "
        "Split it into several files.",
        "Sheet Next is read up to row 0 only, because a workbook is read up to 6 cells. "
        "Split it into several files.",
    )


def test_a_long_text_that_many_cells_refer_to_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.readers.sheets._MAX_CELLS", 20)
    document = read(filled(("x" * 640, "y" * 640, "z" * 640)))
    assert document.text == f"Sheet\n\n{'x' * 640} | {'y' * 640}"
    assert document.missing[0].startswith("Sheet Sheet is read up to cell B1 only, because")


def test_a_damaged_sheet_or_style_costs_only_itself() -> None:
    book = filled(("First", "x"))
    book.create_sheet("Two")["A1"] = "Second"
    document = changed(saved(book), "xl/worksheets/sheet1.xml", lambda xml: xml[: len(xml) // 2])
    assert document.text.endswith("Two\n\nSecond")
    assert "xl/worksheets/sheet1.xml is damaged" in document.missing[0]
    document = changed(saved(book), "xl/styles.xml", lambda xml: b"\x00")
    assert document.text == "Sheet\n\nFirst | x\n\nTwo\n\nSecond"
    assert "xl/styles.xml is damaged" in document.missing[0]


def test_rich_text_is_joined_and_struck_out_text_left_out() -> None:
    string = (
        "<r><t>Use_x000D_ </t></r><r><rPr><strike/></rPr><t>A</t></r><r><t>B</t></r>"
        '<rPh sb="0" eb="1"><t>reading</t></rPh>'
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    cells = '<c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>9</v></c>'
    cells += f'<c t="inlineStr"><is>{string}</is></c>'
    sheets = '<sheets><sheet name="S" r:id="s"/></sheets>'
    book = f'<workbook {space} xmlns:r="{OFFICE}">{sheets}</workbook>'
    rows = f"<sheetData><row>{cells}</row></sheetData>"
    data = archive(
        {
            "xl/workbook.xml": book,
            "xl/_rels/workbook.xml.rels": relationships(
                {"s": ("worksheet", "sheet.xml"), "t": ("sharedStrings", "strings.xml")}
            ),
            "xl/sheet.xml": f"<worksheet {space}>{rows}</worksheet>",
            "xl/strings.xml": f"<sst {space}><si>{string}</si></sst>",
        }
    )
    document = read_bytes("docs/a.xlsx", data)
    assert document.text == "S\n\nUse B | Use B"
    assert document.remarks == ("Struck-out text is left out.",)


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def test_strict_workbooks_are_read() -> None:
    data = saved(filled(("a", "b"), ("c", 1)))
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts: dict[str, str | bytes] = {
            name: source.read(name)
            .replace(
                b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                b"http://purl.oclc.org/ooxml/spreadsheetml/main",
            )
            .replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                b"http://purl.oclc.org/ooxml/officeDocument/relationships",
            )
            for name in source.namelist()
        }
    assert read_bytes("docs/a.xlsx", archive(parts)).text == "Sheet\n\na | b\nc | 1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b", "is not a XLSX|is not an XLSX"),
        (archive({"word/document.xml": part("w:document", "")}), "not a.? XLSX"),
        (saved(openpyxl.Workbook()), "no text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as XLSX"),
    ],
)
def test_a_file_that_is_not_a_workbook_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read_bytes("docs/a.xlsx", data)
