"""Chunks against texts made at random: offsets, sizes and coverage hold for all of them."""

from __future__ import annotations

import itertools
import random

import pytest

from rag.chunk import chunk_document
from rag.documents import Block, Document, Section
from rag.readers.markdown import read_markdown
from rag.readers.options import ReadOptions
from rag.sentences import sentence_spans

WORDS = [
    "tray",
    "valve",
    "a",
    "Überlauf",
    "灌溉系统",
    "3.5",
    "W3,",
    "supercalifragilistic",
    "x" * 70,
]


def random_markdown(seed: int) -> str:
    rng = random.Random(seed)  # noqa: S311 - texts to cut, not secrets

    def sentence() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, 40))) + rng.choice([".", "!", "。", ""])

    parts = []
    for _ in range(rng.randint(1, 25)):
        kind = rng.random()
        if kind < 0.15:
            parts.append("#" * rng.randint(1, 4) + " " + sentence()[:60])
        elif kind < 0.25:
            parts.append(
                "```\n" + "\n".join(sentence() for _ in range(rng.randint(1, 30))) + "\n```"
            )
        elif kind < 0.35:
            rows = "\n".join(f"| {rng.random()} | b |" for _ in range(rng.randint(1, 40)))
            parts.append(f"| h | h |\n|---|---|\n{rows}")
        elif kind < 0.4:
            parts.append("y" * rng.randint(1, 3000))
        else:
            parts.append(" ".join(sentence() for _ in range(rng.randint(1, 12))))
    return rng.choice(["\n\n", "\r\n\r\n", "\n\n\n  \n"]).join(parts) + rng.choice(["", "\n", "  "])


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize(("size", "overlap"), [(1000, 150), (200, 60), (50, 0), (1, 0)])
def test_chunks_have_exact_offsets_and_cover_the_text(seed: int, size: int, overlap: int) -> None:
    text = random_markdown(seed)
    if size == 1:
        text = text[:300]
    document = read_markdown("docs/a.md", text.encode(), ReadOptions())
    chunks = chunk_document(document, size=size, overlap=overlap)
    covered = [False] * len(text)
    for number, chunk in enumerate(chunks):
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert len(chunk.text) <= size
        assert (chunk.number, chunk.count) == (number, len(chunks))
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    assert all(done or text[at].isspace() for at, done in enumerate(covered))
    for left, right in itertools.pairwise(chunks):
        assert left.start < right.start
        assert left.end < right.end
        assert left.end - right.start <= overlap


def test_the_same_document_gives_the_same_chunks() -> None:
    document = read_markdown("docs/a.md", random_markdown(7).encode(), ReadOptions())
    assert chunk_document(document) == chunk_document(document)


def test_a_text_of_white_space_has_no_chunks() -> None:
    assert chunk_document(Document(key="docs/a.txt", title="a", text=" \n\t\n")) == []


def test_a_chunk_ends_where_a_section_ends_rather_than_in_the_next() -> None:
    first, second = "alpha. " * 90, "beta. " * 90
    text = f"# One\n\n{first}\n\n# Two\n\n{second}"
    chunks = chunk_document(read_markdown("docs/a.md", text.encode(), ReadOptions()))
    assert [chunk.heading for chunk in chunks] == ["One", "Two"]
    assert chunks[1].text.startswith("# Two")


def test_a_table_that_fits_is_not_cut() -> None:
    table = "\n".join(f"| {number} | value |" for number in range(30))
    prose = "Some words about the table below. " * 20
    text = f"{prose}\n\n{table}"
    block = Block(kind="table", start=text.index("| 0"), end=len(text))
    document = Document(key="docs/a.md", title="a", text=text, blocks=(block,))
    assert any(table in chunk.text for chunk in chunk_document(document))


def test_neighbours_share_the_end_of_the_first_in_whole_sentences() -> None:
    text = " ".join(f"This is sentence number {number} of the text." for number in range(60))
    chunks = chunk_document(Document(key="docs/a.txt", title="a", text=text))
    assert len(chunks) > 2
    assert all(chunk.text.startswith("This is sentence") for chunk in chunks)
    assert all(0 < a.end - b.start <= 150 for a, b in itertools.pairwise(chunks))


def test_a_chunk_knows_the_section_its_new_text_is_in() -> None:
    text = "intro\n" + "word " * 100 + "\nHEAD\n" + "more " * 300
    start = text.index("HEAD")
    sections = (Section(heading="Head", start=start, end=len(text)),)
    chunks = chunk_document(Document(key="docs/a.txt", title="a", text=text, sections=sections))
    assert chunks[0].heading == ""
    assert chunks[-1].heading == "Head"


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_impossible_sizes_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=f"size is {size} and overlap {overlap}"):
        chunk_document(Document(key="a", title="a", text="a"), size=size, overlap=overlap)


def test_sentences_end_at_full_stops_of_several_scripts_and_at_list_items() -> None:
    text = "One is first. Two is second!\n- three\n- four\n\n第一句。第二句。"
    found = [text[start:end] for start, end in sentence_spans(text)]
    assert found == ["One is first.", "Two is second!", "- three", "- four", "第一句。", "第二句。"]


def test_a_chunk_knows_the_pages_it_is_on() -> None:
    text = "a" * 900 + "\n\n" + "b" * 900 + "\n\n" + "c" * 90
    # Page 3 has no text: it starts where page 4 does.
    document = Document(key="docs/a.pdf", title="a", text=text, pages=(0, 902, 1804, 1804))
    chunks = chunk_document(document)
    assert [(c.text[0], c.first_page, c.last_page) for c in chunks] == [("a", 1, 1), ("b", 2, 4)]


def test_a_chunk_of_a_document_without_pages_has_no_page() -> None:
    (chunk,) = chunk_document(Document(key="docs/a.md", title="a", text="text"))
    assert (chunk.first_page, chunk.last_page) == (None, None)
