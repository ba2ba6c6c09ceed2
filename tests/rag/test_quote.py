"""The sentences that an answer quotes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rag.answerable import term_weights
from rag.hits import Hit
from rag.quote import Quote, best_sentences, joined
from tests.rag.fakes import FakeEmbedder, hit


def chosen(question: str, language: str, hits: Sequence[Hit]) -> list[Quote]:
    weights = term_weights(question, language, 100, {})
    return asyncio.run(best_sentences(question, hits, weights, FakeEmbedder(), cosine_counts=False))


def test_the_sentence_with_the_questions_words_comes_first() -> None:
    text = "The pump is blue. It weighs nine kilograms. The warranty of the pump is 42 months."
    found = chosen("How long is the warranty?", "en", [hit(1, text)])
    assert found[0].text == "The warranty of the pump is 42 months."
    assert all(text[quote.start : quote.end] == quote.text for quote in found)


def test_a_short_chinese_sentence_can_be_quoted_and_a_remnant_cannot() -> None:
    text = "青岚除湿机\n\n保修四十二个月。电压。代码E7表示断线。"
    found = [quote.text for quote in chosen("保修多久？", "zh", [hit(1, text, language="zh")])]
    assert found[0] == "保修四十二个月。"
    assert "代码E7表示断线。" in found
    assert "电压。" not in found


def test_a_sentence_need_not_name_the_subject_that_the_title_names() -> None:
    text = "青岚Q3应放在平整的地面上。\n\n水箱装满时自动停机。\n\n滤网每两周清洗一次。\n\n"
    text += "保修四十二个月。"
    passage = hit(1, text, title="青岚Q3除湿机", language="zh")
    found = chosen("青岚Q3的保修期有多长？", "zh", [passage])
    assert found[0].text == "保修四十二个月。"


def test_a_sentence_goes_on_where_the_one_with_the_words_ends() -> None:
    filler = " ".join(f"Other matter {name} is treated elsewhere at length." for name in "ABCDEFGH")
    text = f"{filler} The warranty has one limit. Misuse ends it at once. {filler}"
    found = [quote.text for quote in chosen("Which limit has the warranty?", "en", [hit(1, text)])]
    assert found[0] == "The warranty has one limit."
    assert "Misuse ends it at once." in found


def test_what_follows_the_sentence_that_repeats_the_question_counts_more() -> None:
    told = "Two bolts hold it in place."
    text = f"The lid of the box is red. {told} Why does the fan stop at night? {told[:-1]} today."
    found = [
        quote.text for quote in chosen("Why does the fan stop at night?", "en", [hit(1, text)])
    ]
    assert found.index(f"{told[:-1]} today.") < found.index(told)


def test_a_sentence_between_two_quoted_ones_is_quoted_too() -> None:
    text = (
        "The pump W3 has two filters. Both are grey and made of wool. The pump W3 is in the yard."
    )
    near = " ".join(f"The pump W3 of line {line} runs." for line in "ABCDEFGHIJ")
    found = chosen("Which pump W3 runs in which line?", "en", [hit(1, text), hit(2, near)])
    assert "Both are grey and made of wool." in [quote.text for quote in found]


def test_the_first_passage_is_always_quoted() -> None:
    words = "The brass button must be pressed by hand."
    after = "It is behind the cover."
    near = " ".join(
        f"Alarm W7 of line {line} is cleared by its switch." for line in "ABCDEFGHIJKLMNOPQRS"
    )
    found = chosen(
        "How do I clear alarm W7 of a line?", "en", [hit(1, f"{words} {after}"), hit(2, near)]
    )
    assert len(found) == 16
    assert [quote.text for quote in found[-2:]] == [words, after]
    assert {quote.number for quote in found[:-2]} == {2}


def test_quotes_are_bounded_in_number_and_length() -> None:
    text = " ".join(f"The valve number {number} opens slowly at noon." for number in range(40))
    assert len(chosen("Which valve opens?", "en", [hit(1, text)])) == 16
    long = " ".join(f"Valve {number} {'opens ' * 250}." for number in range(9))
    assert len(chosen("Which valve opens?", "en", [hit(1, long)])) == 1


def test_a_passage_without_sentences_is_quoted_whole() -> None:
    assert [quote.text for quote in chosen("E7?", "en", [hit(1, "E7: off")])] == ["E7: off"]


def test_neighbors_become_one_quote_and_others_stay_apart() -> None:
    first = hit(1, "The pump is blue. It is heavy. It is old. It is loud.")
    second = hit(2, "It runs.")
    quotes = [
        Quote(number=2, start=0, end=8, text="It runs."),
        Quote(number=1, start=18, end=30, text="It is heavy."),
        Quote(number=1, start=0, end=17, text="The pump is blue."),
        Quote(number=1, start=42, end=53, text="It is loud."),
    ]
    found = joined(quotes, [first, second])
    assert [(quote.number, quote.text) for quote in found] == [
        (2, "It runs."),
        (1, "The pump is blue. It is heavy."),
        (1, "It is loud."),
    ]
