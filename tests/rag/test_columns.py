"""A quoted table row names its columns if they are certain."""

from __future__ import annotations

import asyncio

import pytest

from rag.answer import Answerer, Done
from rag.ask import _pages
from rag.columns import columns_of
from rag.prompt import ModelProfile, messages_for_passages
from tests.rag.fakes import FakeModel, FakeRetriever, hit

HEADER = "Pump | Rated head | Tested head"
ROW = "AW-047 | 67 m | 65 m"


@pytest.mark.parametrize(
    ("text", "table_header", "expected"),
    [
        (f"AW-046 | 1 | 2\n{ROW}", HEADER, HEADER),
        (ROW, HEADER, HEADER),
        (f"| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n{ROW}", "", "| a | b | c |"),
        (f"Words before.\n\n{HEADER}\nAW-046 | 1 | 2\n{ROW}", "", HEADER),
        # The table that the passage continues has ended before this one.
        (f"AW-046 | 1 | 2\n\nWords.\n\n{ROW}", HEADER, ""),
        # The first row may be an ordinary one.
        (f"AW-045 | 60 m | 1 m\n{ROW}", "", ""),
        (f"two | cells\n{ROW}", "", ""),
    ],
)
def test_the_columns_of_a_row(text: str, table_header: str, expected: str) -> None:
    start = text.index(ROW)
    assert columns_of(text, start, start + len(ROW), table_header) == expected


@pytest.mark.parametrize("line", ["A sentence.", "|---|---|", HEADER])
def test_other_lines_have_no_columns(line: str) -> None:
    assert columns_of(f"{line}\n{ROW}", 0, len(line), "") == ""


def test_a_quoted_row_names_its_columns_and_the_source_stays_word_for_word() -> None:
    async def run() -> Done:
        retriever = FakeRetriever([hit(1, f"AW-046 | 61 m | 60 m\n{ROW}", table_header=HEADER)])
        answerer = Answerer(
            retriever,  # type: ignore[arg-type]
            FakeModel(["no"]),
            ModelProfile(context_tokens=2048, answer_tokens=64, quotes=True),
        )
        events = [event async for event in answerer.answer("Tested head of pump AW-047?", 1)]
        assert isinstance(events[-1], Done)
        return events[-1]

    done = asyncio.run(run())
    assert f"“{HEADER}: {ROW}” [1]" in done.answer
    assert (1, ROW) in done.quotes


def test_the_language_model_sees_the_header_of_the_table() -> None:
    profile = ModelProfile(context_tokens=4096, answer_tokens=64)
    prompt = messages_for_passages("?", [hit(1, ROW, table_header=HEADER)], profile)[1]["content"]
    assert f"{HEADER}\n{ROW}" in prompt


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"first_page": 3, "last_page": 3}, "p. 3, "),
        ({"first_page": 3, "last_page": 4}, "pp. 3-4, "),
        ({"first_page": None, "last_page": None}, ""),
        ({}, ""),
    ],
)
def test_the_terminal_names_the_pages_of_a_source(
    source: dict[str, int | None], expected: str
) -> None:
    assert _pages(source) == expected
