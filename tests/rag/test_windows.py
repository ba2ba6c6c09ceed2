"""Where a passage is cut into windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language import content_length
from rag.windows import windows_of

ENGLISH = "The pump is checked every ten days. Its seal is replaced when it leaks. "
CHINESE = "水泵每十天检查一次。密封圈漏水时应当更换。"


@pytest.mark.parametrize("text", [ENGLISH * 14, CHINESE * 20], ids=["English", "Chinese"])
def test_a_window_has_whole_sentences_and_about_as_much_to_say(text: str) -> None:
    windows = windows_of(text)
    assert len(windows) > 2
    assert all(window.endswith((".", "。")) for window in windows)
    assert all(96 <= content_length(window) <= 420 for window in windows)


def test_a_short_passage_is_one_window() -> None:
    assert windows_of(ENGLISH * 2) == [(ENGLISH * 2).strip()]


def test_a_short_rest_joins_the_window_before() -> None:
    sentence = "The pump is checked every ten days and its seal is replaced when it leaks again. "
    assert len(windows_of(sentence * 3 + "Then it is oiled.")) == 1


def test_a_sentence_without_an_end_is_cut_between_words() -> None:
    windows = windows_of("word " * 400)
    assert len(windows) > 4
    assert {piece for window in windows for piece in window.split()} == {"word"}


def test_an_empty_text_is_its_own_window() -> None:
    assert windows_of("") == [""]


@given(st.text(max_size=2000))
def test_the_windows_have_every_character_in_order(text: str) -> None:
    joined = "".join(windows_of(text))
    assert "".join(joined.split()) == "".join(text.split())
