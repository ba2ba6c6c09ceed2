"""Tables of text: any usual delimiter, with the header row marked for every chunk."""

from __future__ import annotations

import pytest

from rag.documents import Document
from rag.readers import read_bytes


def read(text: str, name: str = "a.csv") -> Document:
    return read_bytes(f"docs/{name}", text.encode())


def header(document: Document) -> str | None:
    (block,) = document.blocks
    assert block.kind == "table"
    return None if block.header is None else document.text[slice(*block.header)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_recognised_and_the_first_row_is_the_header(
    delimiter: str, newline: str
) -> None:
    rows = [["Pump", "Pressure", "Note"], ["P-1", "3.5", '"a; b, c | d"'], ["P-2", "4", ""]]
    document = read(newline.join(delimiter.join(row) for row in rows))
    assert document.text == "Pump | Pressure | Note\nP-1 | 3.5 | a; b, c | d\nP-2 | 4"
    assert header(document) == "Pump | Pressure | Note"
    assert document.remarks == ()


def test_decimal_commas_do_not_separate_cells() -> None:
    assert read("Teil;Preis\nA;1,5\nB;2,5\n").text == "Teil | Preis\nA | 1,5\nB | 2,5"


def test_a_table_of_numbers_has_no_header() -> None:
    assert header(read("1,2\n3,4\n")) is None


def test_a_title_above_the_table_is_not_its_header() -> None:
    document = read("Stock on 3 May 2031;;\n;;\nPart;Bin;Count\nA;4;7\n")
    assert document.text == "Stock on 3 May 2031\n\nPart | Bin | Count\nA | 4 | 7"
    assert header(document) == "Part | Bin | Count"


def test_the_delimiter_can_be_declared_as_excel_does() -> None:
    assert read("sep=:\na:b\n1:2\n").text == "a | b\n1 | 2"


def test_quoted_cells_keep_line_breaks_and_quotation_marks() -> None:
    assert read('a,b\n"two\nlines","x ""q"" y"\n').text == 'a | b\ntwo lines | x "q" y'


def test_rows_of_other_lengths_are_kept_and_counted() -> None:
    document = read("a,b\n1,2\n3\n4,5,6\n")
    assert document.text == "a | b\n1 | 2\n3\n4 | 5 | 6"
    assert document.remarks == ("2 rows do not have 2 cells, as most rows have",)


def test_a_quotation_mark_that_is_never_closed_costs_no_row() -> None:
    rows = ["a,b", '"open,1', *(f"k {number},{number}" for number in range(300)), '"end,2']
    document = read("\n".join(rows))
    assert document.text.count("\n") == len(rows) - 1
    assert "\nk 299 | 299\n" in document.text
    assert document.remarks == ("quotation marks are not closed from these lines on: 2, 303",)


def test_a_long_cell_and_a_long_table_are_read() -> None:
    text = "Name,Text\n" + f'x,"{"long " * 40_000}"\n' + "y,z\n" * 50_000
    document = read(text)
    assert document.text.endswith("y | z")
    assert document.text.count("\n") == 50_001


def test_a_file_of_one_column_is_a_table_too() -> None:
    assert header(read("Names\nAda\nGrace\n")) == "Names"
