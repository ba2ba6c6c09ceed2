"""Sentence ends in many scripts, and marks that end no sentence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["第一句。", "第二句！", "第三句？", "第四句；", "完"],
        ["他说：“你好！”", "然后走了。", "（完。）", "「走。」", "下一句"],
        ["她问：“真的吗？”，没人回答。", "是吗?", "我不知道.", "结束了……", "好的。"],
        ["ポンプが止まる。", "弁が開く｡", "終わり"],
        ["यह पहला है।", "यह दूसरा है॥"],
        ["هل هذا صحيح؟", "نعم."],
        ["یہ پہلا جملہ ہے۔", "دوسرا"],
        ["አንድ።", "ሁለት።"],
        ["တစ်ခု။", "နှစ်ခု။"],
        ["មួយ។", "ពីរ។"],
        ["펌프가 멈춘다.", "밸브가 열린다."],
        ["Насос стоит.", "Клапан открыт."],
    ],
    ids=lambda parts: parts[0],
)
@pytest.mark.parametrize("between", ["", " ", "\n"], ids=["together", "space", "line"])
def test_sentences_end_at_the_marks_of_each_script(expected: list[str], between: str) -> None:
    if not between and expected[0][-1] == "." and expected[0][-2] not in "吗道":
        between = " "
    if not between and "نعم." in expected:
        between = " "
    assert sentences(between.join(expected)) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith set the valve to 3.5 bar at St. Mary's, cf. Fig. 3 on p. 12.",
        "It needs approx. 40 pumps, e.g. the W3, i.e. no. 7, made by J. R. Miller.",
        "Der Filter, z. B. Nr. 5, wird am 3. Mai bzw. danach ersetzt, d. h. ca. 40 Tage später.",
        "The U.S. Navy uses version 2.0.1 of it.",
        'He said "Stop!" and went on… until the end.',
        "A sentence goes on\nover a line break and\n  ends here.",
        "In Asia, Ae. aegypti and Ae. albopictus carry it.",
        "Рис. 3 и т. е. стр. 5 показаны здесь.",
    ],
)
def test_these_marks_end_no_sentence(sentence: str) -> None:
    assert sentences(f"{sentence} The next one.") == [sentence, "The next one."]


@pytest.mark.parametrize(
    "expected",
    [
        ["the pump stops.", "the valve opens!", "is it on?", "yes."],
        ["He won (in 2010).", "Then he left.", "“Go.”", "She went."],
        [
            "In the U.S. Navy.",
            "It has vitamin C.",
            "The answer is no.",
            "End.",
        ],
        ["See [1].", "[2] is next.", "**Note.**", "Wait…", "Now!", "3 of them."],
        ["- one", "- two", "1. Remove the tray.", "2. Put it back."],
        ["# A title without a mark", "Its text.", "## Another"],
        ["Pump | Rated | Tested", "AW-1 | 67. The last | 65", "Below the table."],
    ],
    ids=lambda parts: parts[0],
)
def test_sentences_end_here(expected: list[str]) -> None:
    separator = "\n" if expected[0][0] in "-#P" else " "
    assert sentences(separator.join(expected)) == expected


def test_a_paragraph_ends_a_sentence_without_a_mark() -> None:
    text = "A line without a mark\n\nanother\fAnd one over\fa page."
    assert sentences(text) == ["A line without a mark", "another", "And one over\fa page."]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("。.!? \n\"'|#-1aA…”")), max_size=80
    )
)
def test_every_character_is_in_one_sentence(text: str) -> None:
    covered = 0
    for start, end in sentence_spans(text):
        assert not text[covered:start].strip()
        assert text[start:end] == text[start:end].strip() != ""
        covered = end
    assert not text[covered:].strip()


@pytest.mark.parametrize(
    "piece",
    [
        ".",
        ". ",
        "…",
        ".)",
        "。」",
        "\n ",
        "a | ",
        "a | b | c\n",
        "#",
        "# ",
        "- ",
        "\n|",
        "e.g. ",
        "“",
        "a",
    ],
    ids=repr,
)
def test_the_time_grows_with_the_length_only(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count
        started = time.process_time()
        sentence_spans(text)
        return time.process_time() - started

    # Sixteen times the text; quadratic time would be 256 times as much.
    assert seconds(160_000) < 80 * max(seconds(10_000), 0.002)
