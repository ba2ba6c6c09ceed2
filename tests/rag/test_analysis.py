"""The terms of texts: equal for what a reader takes for equal, in every language."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.analysis import content_weights, numbers, question_terms, terms

LANGUAGES = ("en", "zh", "ja", "ko", "de", "fr", "ru", "ar", "tr", "hi", "th", "sr", "und", "xx")


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.text(max_size=200), st.sampled_from(LANGUAGES))
@example("\ud800 İ ﬁne ǅ 가 ก็ \u0301a", "en")
def test_any_text_has_terms_and_always_the_same(text: str, language: str) -> None:
    found = terms(text, language)
    assert found == terms(text, language)
    assert all(term and len(term.split()) == 1 for term in found)
    assert " ".join(found).split() == found
    assert set(content_weights(text, language)) <= set(found)
    weights = question_terms(text, language)
    assert set(weights) == set(found) or len(weights) < len(set(found))
    assert all(0.0 < weight <= 1.0 for weight in weights.values())


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.text(max_size=200), st.sampled_from(LANGUAGES))
def test_composed_and_decomposed_text_has_the_same_terms(text: str, language: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert terms(composed, language) == terms(decomposed, language) == terms(text, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "watering vessels", "WATERED VESSEL"),
        ("en", "the tray's weight", "the tray’s weight"),
        ("en", "AW-047", "AW\u2011047"),
        ("en", "1,000 litres", "1000 litres"),
        ("en", "ﬁnal co\u00adoperation", "final cooperation"),
        ("en", "ＡＷ０４７", "aw047"),
        ("de", "Die Häuser", "die haus"),
        ("de", "STRASSE", "Straße"),
        ("fr", "l’eau", "eau"),
        ("fr", "déclarées", "de\u0301clare\u0301e"),
        ("es", "garantías", "GARANTÍA"),
        ("ru", "насосы", "Насос"),
        ("ar", "٣٫٥", "3.5"),
        ("fa", "می\u200cخواهم", "میخواهم"),
        ("tr", "İSTANBUL", "istanbul"),
        ("zh", "ｱｲｳ", "アイウ"),
        ("ko", "한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
    ],
)
def test_forms_of_a_text_have_the_same_terms(language: str, one: str, other: str) -> None:
    assert terms(one, language) == terms(other, language)
    assert terms(one, language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AW-047", ["aw047", "aw", "047"]),
        ("E7 and W3", ["e7", "and", "w3"]),
        ("24V", ["24v", "24", "v"]),
        ("3.5 mm, 3.5mm", ["3.5", "mm", "3.5mm", "3.5", "mm"]),
        ("1,000,000.5", ["1000000.5"]),
        ("[1,2]", ["1", "2"]),
        ("v2.0.1", ["v2.0.1"]),
        ("2024-01-15", ["20240115", "2024", "01", "15"]),
        ("SARS-CoV-2", ["sarscov2", "sar", "cov"]),
        ("max_seq_length", ["maxseqlength", "max", "seq", "length"]),
        ("It doesn't.", ["it", "doesnt"]),
        ("AT&T", ["att", "at"]),
    ],
)
def test_numbers_and_codes_stay_searchable(text: str, expected: list[str]) -> None:
    assert terms(text, "en") == expected


def test_chinese_gives_characters_and_pairs_and_keeps_codes() -> None:
    assert terms("青岚Q3的E7", "zh") == ["青", "青岚", "岚", "q3", "的", "e7"]
    assert terms("保修期", "en") == terms("保修期", "zh")


def test_a_thai_vowel_stays_with_its_consonant() -> None:
    assert terms("กินข้าว", "th") == ["กิ", "กิน", "น", "นข้", "ข้", "ข้า", "า", "าว", "ว"]


def test_a_word_of_another_script_is_english_in_a_chinese_or_russian_document() -> None:
    assert terms("运行pumps", "zh")[-1] == terms("насос pumps", "ru")[-1] == "pump"


def test_a_question_weighs_stop_words_and_parts_less() -> None:
    weights = question_terms("What is the AW-047?", "en")
    assert weights["aw047"] == 1.0 > weights["what"] > 0.0
    assert weights["aw"] < 1.0
    weights = question_terms("水箱的容量", "zh")
    assert weights["水箱"] == 1.0 > weights["水"] > weights["的"]
    assert weights["箱的"] < weights["容量"]


def test_content_terms_leave_out_what_every_question_has() -> None:
    found = content_weights("What is the weight of trays, the tray's weight?", "en")
    assert found == {"weight": 1.0, "tray": 1.0}
    assert content_weights("What is it?", "en") == {}
    found = content_weights("青岚Q3的噪音是多少？", "zh")
    assert [term for term, weight in found.items() if weight == 1.0] == ["青岚", "q3", "噪音"]
    assert "多少" not in found
    assert "047" not in content_weights("AW-047", "en")


def test_a_very_long_question_has_a_bounded_number_of_terms() -> None:
    weights = question_terms(" ".join(f"the word{number}" for number in range(5_000)), "en")
    assert len(weights) <= 400
    assert set(weights.values()) == {1.0}


def test_numbers_are_read_without_closing_punctuation() -> None:
    assert numbers("At 10.8 V, see E21; SK-2.") == {"10.8", "e21", "2"}
    assert numbers("代码Ｅ７表示24V断线。") == {"e7", "24v"}


def test_words_of_chinese_questions_carry_no_content() -> None:
    weights = content_weights("请问出现代码E9是什么意思？", "zh")
    assert {"代码", "e9"} <= weights.keys()
    assert not {"意思", "出现", "请问", "什么"} & weights.keys()
