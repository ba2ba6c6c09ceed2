"""Texts from outside hold half surrogate pairs and control characters; cleaned texts do not."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.clean import PieceCleaner, clean, clean_document, clean_line, clean_value
from rag.documents import Block, Document, Section

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def test_pairs_are_joined_and_lone_halves_replaced() -> None:
    assert clean("a\ud83d\ude00b") == "a😀b"
    assert clean("a\ud83db\ude00c\udc80") == "a\ufffdb\ufffdc\ufffd"


def test_control_characters_become_spaces_and_line_breaks_and_tabs_stay() -> None:
    assert clean("a\x00b\x0bc\x1fd\x7f\te\r\nf") == "a b c d \te\r\nf"
    assert clean_line(" a\x00\n b\ud800 ") == "a b\ufffd"


def test_json_values_are_cleaned_with_their_names() -> None:
    assert clean_value({"a\ud800": ["\x00", {"b": 1}], "c": None}) == {
        "a\ufffd": [" ", {"b": 1}],
        "c": None,
    }


def test_a_documents_offsets_count_in_the_cleaned_text() -> None:
    text = "\ud83d\ude00 H\nx\ud83d\ude00y|z\nlone \ud83d end"
    table = text.index("x")
    document = Document(
        key="docs/a.json",
        title="\ud83d\ude00\n\ud83d",
        text=text,
        sections=(Section(heading="H\ud83d", start=0, end=len(text)),),
        blocks=(Block(kind="table", start=table, end=table + 6, header=(table, table + 4)),),
        pages=(0, text.index("lone"), len(text)),
        missing=("part \udc00",),
    )
    cleaned = clean_document(document, "a")
    block = cleaned.blocks[0]
    assert cleaned.text == "😀 H\nx😀y|z\nlone \ufffd end"
    assert cleaned.text[block.start : block.end] == "x😀y|z"
    assert block.header is not None
    assert cleaned.text[slice(*block.header)] == "x😀y"
    assert [cleaned.text[at:] for at in cleaned.pages] == [cleaned.text, "lone \ufffd end", ""]
    assert cleaned.sections == (Section(heading="H\ufffd", start=0, end=len(cleaned.text)),)
    assert cleaned.title == "😀 \ufffd"
    assert cleaned.missing == ("part \ufffd",)


def test_a_title_that_is_only_control_characters_is_replaced() -> None:
    document = Document(key="docs/a.txt", title="\x00", text="x")
    assert clean_document(document, "a").title == "a"


@given(text=ANY_TEXT)
@settings(deadline=None, max_examples=300, derandomize=True)
def test_every_cleaned_text_can_be_encoded_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned == clean(cleaned)


@given(text=ANY_TEXT, cuts=st.lists(st.integers(0, 20)))
@settings(deadline=None, max_examples=300, derandomize=True)
def test_a_text_in_pieces_is_cleaned_like_the_whole(text: str, cuts: list[int]) -> None:
    cleaner = PieceCleaner()
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert "".join(map(cleaner.add, pieces)) + cleaner.end() == clean(text)


@pytest.mark.parametrize("text", ["", "plain", "😀", "中文\tTab\r\n"])
def test_a_clean_text_is_not_changed(text: str) -> None:
    assert clean(text) == text
