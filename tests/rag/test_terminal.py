"""Text for a terminal: its columns, and characters without a shape."""

from __future__ import annotations

import pytest

from rag.terminal import beginning, columns, is_wide, printable, shortened


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("valve", 5),
        ("\u6587\u4ef6", 4),
        ("\uff21\uff22", 4),
        ("\ud55c\uae00", 4),
        ("cafe\u0301", 4),
        ("\u0928\u094d\u0926", 2),
        ("a\u200db", 2),
    ],
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, width: int) -> None:
    assert columns(text) == width


def test_half_width_kana_is_not_wide() -> None:
    assert is_wide("\u30ab")
    assert not is_wide("\uff76")


def test_a_shortened_text_fits_and_ends_in_an_ellipsis() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("\u6587\u4ef6\u540d\u79f0", 6) == "\u6587\u4ef6\u2026"
    assert shortened("one two three", 5) == "one\u2026"
    assert beginning("\u6587\u4ef6", 3) == "\u6587"


def test_characters_without_a_shape_are_escaped() -> None:
    assert printable("a\nb\u202e\x1b[31m") == "a\\nb\\u202e\\x1b[31m"
    assert printable("\u0915\u094d\u200d\u0937") == "\u0915\u094d\u200d\u0937"
