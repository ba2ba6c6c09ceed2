"""Reading Markdown and other light markup: the text stays unchanged, structure is in offsets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk import chunk_document
from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes


def read(text: str, key: str = "docs/a.md") -> Document:
    document = read_bytes(key, text.encode())
    assert document.text == text
    return document


def headers(document: Document) -> list[str | None]:
    return [
        document.text[slice(*block.header)] if block.header else None for block in document.blocks
    ]


def test_a_table_knows_its_header_row_and_the_row_of_dashes() -> None:
    document = read(
        "text\n\n| a | b |\r\n|:--|--:|\r\n| 1 | 2 |\n\nx | y\n--|--\n3 | 4\n\n```\n| a |\n```\n"
    )
    assert headers(document) == ["| a | b |\r\n|:--|--:|", "x | y\n--|--", None]
    assert [block.kind for block in document.blocks] == ["table", "table", "code"]


def test_tables_and_code_in_lists_and_quotes_are_blocks_too() -> None:
    document = read(
        "> | a | b |\n> |---|---|\n> | 1 | 2 |\n\n- item\n\n  | c | d |\n"
        "  |---|---|\n  | 3 | 4 |\n\n"
        "  ```sh\n  make up\n  ```\n"
    )
    assert [block.kind for block in document.blocks] == ["table", "table", "code"]
    assert headers(document)[:2] == ["> | a | b |\n> |---|---|", "  | c | d |\n  |---|---|"]


def test_a_table_without_rows_below_its_header_is_a_table() -> None:
    assert headers(read("| a | b |\n|---|---|")) == ["| a | b |\n|---|---|"]


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Weir of the\nlower *mill*\n===\n", "Weir of the lower mill"),
        ("Weir\n---\n", "Weir"),
        ("# Weir {#weir .wide}\n", "Weir"),
        ("# `weir` & [mill](m.md) ![gate](g.png) <b>x</b> \\* ##\n", "weir & mill gate x *"),
        ("# See [the mill][m]\n\n[m]: m.md\n", "See the mill"),
        ('<h1 align="center">The <b>weir</b></h1>\n\ntext\n', "The weir"),
        ("<p>\n<h2>The\nweir</h2>\n</p>\n", "The weir"),
        ("   # Weir\n", "Weir"),
        ("\ufeff# Weir\n"[1:], "Weir"),
    ],
)
def test_headings_of_every_form_are_found(text: str, heading: str) -> None:
    document = read(text)
    assert [section.heading for section in document.sections] == [heading]
    assert document.title == heading


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: 'The weir'\ntags: [a]\n---\n",
        "---\r\ntitle:   The weir \r\n---\r\n",
        "---\nlayout: page\ntitle: The weir\n...\n",
        '+++\ntitle = "The weir"\n+++\n',
    ],
)
def test_front_matter_gives_the_title_and_no_headings(front: str) -> None:
    document = read(f"{front}# Other\n\ntext\n")
    assert document.title == "The weir"
    assert [section.heading for section in document.sections] == ["Other"]


def test_a_rule_at_the_beginning_is_not_front_matter() -> None:
    assert [s.heading for s in read("---\n\n# Weir\n\ntext\n").sections] == ["Weir"]


def test_html_in_markdown_stays_text_and_its_table_is_a_block() -> None:
    table = "<table><thead><tr><th>a</th></tr></thead>\n<tr><td>1</td></tr>\n</table>"
    document = read(f"# T\n\n<!-- note -->\n\n{table}\n\n<details>\n\n## Inside\n\n</details>\n")
    assert headers(document) == ["<table><thead><tr><th>a</th></tr></thead>"]
    assert [s.heading for s in document.sections] == ["T", "T > Inside"]


def test_what_other_dialects_add_breaks_nothing() -> None:
    text = (
        "# T\n\n- [x] done ~~gone~~ https://a.example :smile:\n\n> [!NOTE]\n> text[^1]\n\n"
        "[^1]: foot\n\n"
        "$$\nx = 1\n$$\n\n::: tip\n## Inside\n:::\n\n```mermaid\n# not a heading\n```\n"
    )
    assert [s.heading for s in read(text).sections] == ["T", "T > Inside"]


@pytest.mark.parametrize(
    "text",
    [
        ">" * 50_000 + "a",
        "* " * 50_000 + "a",
        "[a](<b" * 20_000,
        "|" + "a|" * 2_000 + "\n|" + "-|" * 2_000 + "\n" + "|x\n" * 2_000,
        "<h1>" * 20_000,
        "`" * 100_000,
        "# " + "*a _b " * 2_000,
        "title: " + " " * 100_000,
        "---\ntitle: a" + " " * 100_000 + "b\n---\n",
        "a\n" * 20_000 + "===",
    ],
)
def test_the_time_to_read_does_not_grow_with_the_square_of_the_size(text: str) -> None:
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    ("suffix", "text", "headings"),
    [
        (
            "rst",
            "====\nWeir\n====\n\ntext\n\nGate\n----\n\n::\n\n    Not\n    ---\n\n"
            "== ==\na  b\n== ==\n\n水闸\n----\nx\n",
            ["Weir", "Weir > Gate", "Weir > 水闸"],
        ),
        (
            "adoc",
            "= Weir\n:toc:\n\n== Gate\n\n----\n= Not\n----\n\n=== Key\n\n====\nexample\n====\n",
            ["Weir", "Weir > Gate", "Weir > Gate > Key"],
        ),
        (
            "org",
            "#+TITLE: Weir\n* TODO Gate :a:b:\n#+BEGIN_SRC c\n* not\n#+END_SRC\n** Key\n",
            ["Weir", "Weir > Gate", "Weir > Gate > Key"],
        ),
        (
            "tex",
            "\\title{Weir}\n\\section*{Gate}\ntext\n\\subsection[k]{Key}\n",
            ["Weir", "Weir > Gate", "Weir > Gate > Key"],
        ),
    ],
)
def test_the_headings_of_other_markup_are_found(
    suffix: str, text: str, headings: list[str]
) -> None:
    document = read(text, f"docs/a.{suffix}")
    assert [section.heading for section in document.sections] == headings
    assert document.title == "Weir"


def test_log_files_are_plain_text() -> None:
    assert read("12:01 # started\n12:02 done\n", "docs/a.log").sections == ()


LINES = st.lists(
    st.sampled_from(
        [
            *("# a", "## b", "===", "---", "| a | b |", "|---|---|", "| 1 |", "> ", "- ", "```"),
            *("", "    x", "<table>", "</thead>", "<h1>", "</h1>", "[a]: b", "* a", "+++", "\r"),
            *("#+TITLE: x", "\\section{x}", "= a", "====", "....", "title: t", "<!--", "\x00"),
        ]
    )
    | st.text(max_size=6),
    max_size=30,
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(LINES, st.sampled_from(["md", "rst", "adoc", "org", "tex"]), st.sampled_from(["\n", "\r\n"]))
def test_every_text_is_read_with_offsets_inside_of_it(
    lines: list[str], suffix: str, end: str
) -> None:
    data = (end.join(lines) + "\nx").encode("utf-8", "surrogatepass")
    try:
        document = read_bytes(f"docs/a.{suffix}", data)
    except ReadError as error:
        assert "damaged" not in error.reason
        return
    for section in document.sections:
        assert 0 <= section.start <= section.end <= len(document.text)
    previous = 0
    for block in document.blocks:
        assert previous <= block.start <= block.end <= len(document.text)
        previous = block.end
        if block.header:
            assert block.start <= block.header[0] <= block.header[1] <= block.end
    chunk_document(document)
