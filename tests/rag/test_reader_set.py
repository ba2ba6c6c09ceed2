"""The documents of `benchmarks.reader_set` are read whole, and the comparison counts rightly."""

from __future__ import annotations

import pytest

from benchmarks.reader_set import Expected, documents
from benchmarks.readers import Score, plain, read_markdown, read_own

DOCUMENTS = documents()


@pytest.mark.parametrize("document", DOCUMENTS, ids=[document.name for document in DOCUMENTS])
def test_every_document_of_the_comparison_is_read_as_expected(document: Expected) -> None:
    score = Score()
    assert score.add(document, read_own(document)) == []
    assert score.repeated[0] == 0


def test_the_comparison_counts_what_a_reader_gets_wrong() -> None:
    document = Expected(
        name="a.html",
        data=b"",
        facts=("one two", "twice", "absent"),
        junk=("menu",),
        headings=("Head", "Not one"),
        rows=((("a", "b"), ("1", "2")), (("a", "b"), ("3", "4"))),
    )
    markdown = (
        "# Head\n\nNot one\n\none\n**two** twice twice menu\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    score = Score()
    problems = score.add(document, read_markdown(markdown, 0.5, ""))
    assert problems == [
        *("missing: absent", "junk: menu", "not a heading: Not one", "not a row: 3 | 4"),
    ]
    assert (score.text, score.repeated) == ((2, 3), (1, 3))
    assert (score.junk, score.headings, score.rows) == ((1, 1), (1, 2), (1, 2))


def test_marks_of_markdown_and_spaces_do_not_count() -> None:
    assert plain("a \\_b\\_ **c** &amp;\n| d |") == "a _b_ c & d"
    assert plain("三号柜\n由值班长") == "三号柜由值班长"
