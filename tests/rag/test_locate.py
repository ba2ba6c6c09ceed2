"""Answers that people copied, found in the text that a reader extracted."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.locate import Searchable


def found(text: str, wanted: str, near: int | None = None) -> str | None:
    span = Searchable(text).find(wanted, near)
    return None if span is None else text[slice(*span)]


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("may be\nrenewed  twice.", "may be renewed twice", "may be\nrenewed  twice"),
        ("may be renewed twice.", " may be\r\n renewed twice ", "may be renewed twice"),
        (
            "at\u00a0half\u3000past\u2009five",
            "at half past five",
            "at\u00a0half\u3000past\u2009five",
        ),
        ("the ﬁrst oﬃce", "first office", "ﬁrst oﬃce"),
        ("said \u201cno\u201d \u2013 it\u2019s", 'said "no" - it\'s', "said “no” – it’s"),
        ("about ２０％ more", "20% more", "２０％ more"),
        ("cafe\u0301 noir", "café noir", "cafe\u0301 noir"),
        ("café noir", "cafe\u0301 noir", "café noir"),
        (unicodedata.normalize("NFD", "서울 시청"), "서울", unicodedata.normalize("NFD", "서울")),
        ("ｶﾞｲﾄﾞ", "ガイド", "ｶﾞｲﾄﾞ"),
        ("co\u00adoperate", "cooperate", "co\u00adoperate"),
        ("zero\u200bwidth", "zerowidth", "zero\u200bwidth"),
        ("a hydro-\nponic farm", "hydroponic farm", "hydro-\nponic farm"),
        ("a well-\nknown farm", "well-known farm", "well-\nknown farm"),
        ("a hydroponic farm", "hydro-\nponic farm", "hydroponic farm"),
        ("水箱容量为四点\n五升。", "四点五升", "四点\n五升"),
        ("水箱容量为四点五升。", "四点 五升", "四点五升"),
        ("It Is closed", "it is closed", "It Is closed"),
        ("10\u202f000 people", "10 000 people", "10\u202f000 people"),
    ],
)
def test_an_answer_is_found_although_it_is_written_differently(
    text: str, wanted: str, expected: str
) -> None:
    assert found(text, wanted) == expected


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nothing of the kind", "twelve days"),
        ("from 10-20 of them", "1020"),
        ("starting", "art in"),
        ("any text", " \n"),
        ("any text", "\u00ad"),
        ("", "answer"),
        ("cafe noir", "café noir"),
    ],
)
def test_another_text_is_not_found(text: str, wanted: str) -> None:
    assert found(text, wanted) is None


def test_the_exact_occurrence_at_the_offset_counts() -> None:
    assert Searchable("one one one").find("one", 4) == (4, 7)


def test_the_occurrence_nearest_to_a_wrong_offset_counts() -> None:
    assert Searchable("one two one two one").find("one", 10) == (8, 11)


def test_an_inexact_occurrence_at_the_offset_counts_more_than_an_exact_one_far_away() -> None:
    text = "twelve\ndays" + " and so on" * 20 + " twelve days"
    assert Searchable(text).find("twelve days", 2) == (0, 11)


def test_without_an_offset_an_exact_occurrence_comes_first() -> None:
    assert Searchable("twelve\ndays, twelve days").find("twelve days") == (13, 24)


def test_a_whole_word_comes_before_a_part_of_a_word() -> None:
    assert Searchable("start of art").find("art") == (9, 12)


def test_letter_case_does_not_hide_the_exact_word() -> None:
    assert Searchable("it helps. IT pays.").find("IT", 1) == (10, 12)


def test_an_offset_beyond_the_text_does_no_harm() -> None:
    assert Searchable("one two").find("one", 10**30) == (0, 3)


_SPACE = st.sampled_from([" ", "\n", "\u00a0", "\u3000", " \r\n\t", "\u00ad ", "\u2009"])
_WORDS = st.lists(st.text("abcdéßﬁ文字ガ가", min_size=1, max_size=6), min_size=1, max_size=8)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(words=_WORDS, before=_WORDS, data=st.data(), form=st.sampled_from(["NFC", "NFD", "NFKC"]))
def test_any_answer_is_found_whatever_its_white_space_and_form(
    words: list[str], before: list[str], data: st.DataObject, form: str
) -> None:
    spaces = [data.draw(_SPACE) for _ in words]
    written = "".join(w + s for w, s in zip(words, spaces, strict=True)).strip(
        "\u00ad \n\t\r\u00a0\u3000\u2009"
    )
    start = len("、".join(before)) + 1
    text = "、".join(before) + "。" + written + "。"
    answer = unicodedata.normalize(form, " ".join(words))  # type: ignore[arg-type]
    span = Searchable(text).find(answer, start)
    assert span is not None
    got = unicodedata.normalize("NFKC", text[slice(*span)].replace("\u00ad", ""))
    assert got.split() == unicodedata.normalize("NFKC", answer).split()


@settings(deadline=None, max_examples=300, derandomize=True)
@given(text=st.text(max_size=60), wanted=st.text(max_size=6), near=st.none() | st.integers())
def test_a_span_is_always_within_the_text(text: str, wanted: str, near: int | None) -> None:
    span = Searchable(text).find(wanted, near)
    if wanted.strip() and wanted.strip() in text:
        assert span is not None
    if span is not None:
        assert 0 <= span[0] < span[1] <= len(text)
