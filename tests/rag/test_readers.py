"""Reading every format, and the errors of files that cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest

from rag.errors import ReadError
from rag.readers import read_bytes, read_document


def test_text_is_kept_unchanged_and_its_first_line_is_the_title() -> None:
    text = "  The title\r\n\r\nBody é 中文\n\n"
    document = read_bytes("docs/a.txt", text.encode())
    assert document.text == text
    assert document.title == "The title"


def test_a_byte_order_mark_is_dropped_and_utf_16_is_read() -> None:
    assert read_bytes("docs/a.txt", "\ufeffhello".encode()).text == "hello"
    assert read_bytes("docs/a.txt", "hello 中".encode("utf-16")).text == "hello 中"


def test_markdown_is_kept_unchanged_with_its_structure_by_offsets() -> None:
    text = (
        "---\ntitle: Manual\n---\n# A *b*\r\n\r\ntext\n\n"
        "## C `d`\n\n|x|y|\n|-|-|\n|1|2|\n\n```\ncode\n```\n"
    )
    document = read_bytes("docs/a.md", text.encode())
    assert document.text == text
    assert document.title == "Manual"
    assert [section.heading for section in document.sections] == ["A b", "A b > C d"]
    assert text[document.sections[1].start :].startswith("## C")
    assert [(b.kind, text[b.start : b.end].strip()[:5]) for b in document.blocks] == [
        ("table", "|x|y|"),
        ("code", "```\nc"),
    ]


def test_html_gives_the_visible_text() -> None:
    page = (
        "<html><head><title>T &amp; x</title><script>bad()</script></head><body><nav>menu</nav>"
        "<h1>Hello</h1><p>One <b>bold</b> word.<br>Next</p><ul><li>item</li></ul>"
        "<table><tr><th>a</th><td>b</td></tr></table><pre>x = 1\n  y</pre></body></html>"
    )
    document = read_bytes("docs/a.html", page.encode())
    assert document.title == "T & x"
    assert document.text == "Hello\n\nOne bold word.\nNext\n\n- item\n\na | b\n\nx = 1\n  y"
    assert document.sections[0].heading == "Hello"
    assert [document.text[b.start : b.end] for b in document.blocks] == ["a | b", "x = 1\n  y"]


def test_json_with_a_text_field_is_that_text() -> None:
    document = read_bytes("docs/a.json", b'{"title": "T", "text": "Body.", "tags": ["x", "y"]}')
    assert document.title == "T"
    assert document.text == "T\n\nBody.\n\ntags: x\ntags: y"


def test_each_line_of_jsonl_is_a_section() -> None:
    document = read_bytes("docs/a.jsonl", b'{"name": "A", "content": "one"}\n\n{"k": {"z": 2}}\n')
    assert [section.heading for section in document.sections] == ["A", "Record 2"]
    assert document.text.endswith("k.z: 2")


def test_docx_headings_lists_and_tables_are_read() -> None:
    source = docx.Document()
    source.add_heading("Guide", level=1)
    source.add_paragraph("Some words.")
    source.add_paragraph("An item", style="List Bullet")
    table = source.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    out = io.BytesIO()
    source.save(out)
    document = read_bytes("docs/a.docx", out.getvalue())
    assert document.title == "Guide"
    assert document.text == "Guide\n\nSome words.\n\n- An item\n\nleft | right"
    assert document.sections[0].heading == "Guide"


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("docs/a.txt", b"", "the file is empty"),
        ("docs/a.txt", b" \n ", "no text"),
        ("docs/a.txt", b"\xb0\xa1\xb0\xa1", "not UTF-8 \\(byte 0xb0 at 0\\)"),
        ("docs/a.txt", b"a\x00b", "binary"),
        ("docs/a.bin", b"data", "format .bin is not supported"),
        ("docs/a", b"data", r"format \(no suffix\)"),
        ("docs/a.docx", b"not a zip", "not a DOCX"),
        ("docs/a.json", b"{", "not valid JSON"),
        ("docs/a.jsonl", b"{\n{", "not valid JSON"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(key: str, data: bytes, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read_bytes(key, data)
    assert caught.value.key == key
    assert "\n" not in caught.value.reason


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 11)
    with pytest.raises(ReadError, match="11 bytes; the limit is 10"):
        read_document("docs/a.txt", path, max_bytes=10)


def test_a_deleted_file_is_a_read_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="cannot be opened: No such file"):
        read_document("docs/a.txt", tmp_path / "a.txt")
