"""How answers are measured, and which model is kept."""

from __future__ import annotations

import pytest

from training.llm.answers import answer_tokens, decide_by_answers, exact_match, gain_of, token_f1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The  U.S. Army, a unit!", ["us", "army", "unit"]),
        ("每30天检查一次。", ["每", "30", "天", "检", "查", "一", "次"]),
        ("ＡＷ-０４７", ["aw047"]),
        ("5 µm", ["5", "μm"]),
        ("...", []),
    ],
)
def test_case_punctuation_articles_and_widths_do_not_count(text: str, tokens: list[str]) -> None:
    assert answer_tokens(text) == tokens


def test_an_equal_answer_matches_exactly() -> None:
    assert exact_match("The room 12.", "room 12") == token_f1("The room 12.", "room 12") == 1.0
    assert exact_match("光荣，和ω-force", "光荣和ω-force") == 1.0
    assert exact_match("12 room", "room 12") == 0.0


def test_f1_counts_shared_tokens_as_often_as_both_have_them() -> None:
    assert token_f1("in room 12", "room 12") == pytest.approx(0.8)
    assert token_f1("room room", "room") == pytest.approx(2 / 3)
    assert token_f1("战史演武", "「战史演武」和「争霸演武」") == pytest.approx(8 / 13)


def test_an_answer_without_tokens_is_worth_nothing_unless_gold_has_no_tokens() -> None:
    assert token_f1("", "room 12") == token_f1("room", "...") == 0.0
    assert token_f1("!", "...") == 1.0


def test_a_clear_gain_keeps_the_tuned_model() -> None:
    gain = gain_of([0.1] * 20, [0.5] * 10 + [0.3] * 10, seed=1)
    kept, reason = decide_by_answers({"token_f1": 0.1}, {"token_f1": 0.4}, gain)
    assert kept == "tuned"
    assert "token F1 0.100 -> 0.400 on 20 questions held out of the train split" in reason


def test_a_gain_within_the_noise_keeps_the_base_and_says_so() -> None:
    gain = gain_of([0.0, 1.0] * 10, [1.0, 0.1] * 10, seed=1)
    kept, reason = decide_by_answers({"token_f1": 0.5}, {"token_f1": 0.55}, gain)
    assert gain.mean > 0
    assert kept == "base"
    assert reason.startswith("tuning did not help by more than the noise")


def test_a_loss_or_no_change_keeps_the_base() -> None:
    for after in (0.2, 0.3):
        gain = gain_of([0.3] * 8, [after] * 8, seed=1)
        kept, reason = decide_by_answers({"token_f1": 0.3}, {"token_f1": after}, gain)
        assert (kept, reason.partition(":")[0]) == ("base", "tuning did not help")


def test_the_interval_depends_on_the_seed_alone() -> None:
    before, after = [0.1, 0.2, 0.9], [0.3, 0.1, 1.0]
    assert gain_of(before, after, 7) == gain_of(before, after, 7)
