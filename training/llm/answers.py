"""How good answers are, and whether the tuned model's are better. Pure.

Owns token F1 and exact match against the gold answer, and the choice of the model by them.

Source of the measures and of the normalisation: Rajpurkar et al., SQuAD, EMNLP 2016, and its
evaluation script. For text without spaces, every character is a token, as in the evaluation of
CMRC 2018 (Cui et al., EMNLP 2019).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag.language import UNSPACED

__all__ = ["Gain", "answer_tokens", "decide_by_answers", "exact_match", "gain_of", "token_f1"]

_TOKEN = re.compile(f"[{UNSPACED}]|[^\\s{UNSPACED}]+")
_ARTICLES = frozenset({"a", "an", "the"})
_RESAMPLES = 5000
_LEVEL = 0.90


def answer_tokens(text: str) -> list[str]:
    """Return the tokens of an answer that count: no case, no punctuation, no English articles.

    A character of a script without spaces is a token of its own. Full-width letters and other
    compatible forms of Unicode count as the usual ones.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in folded if unicodedata.category(c)[0] != "P")
    return [token for token in _TOKEN.findall(kept) if token not in _ARTICLES]


def exact_match(answer: str, gold: str) -> float:
    """Return 1.0 if both have the same tokens in the same order, else 0.0."""
    return float(answer_tokens(answer) == answer_tokens(gold))


def token_f1(answer: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall of an answer's tokens, 0.0 to 1.0."""
    given, wanted = answer_tokens(answer), answer_tokens(gold)
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2.0 * shared / (len(given) + len(wanted))


@dataclass(frozen=True, kw_only=True)
class Gain:
    """By how much the tuned model's answers are better.

    Attributes:
        mean: Mean of the differences in token F1, question by question.
        low: Lower end of its interval: a paired bootstrap, 90 %.
        high: Upper end.
        questions: Number of questions.
    """

    mean: float
    low: float
    high: float
    questions: int

    def described(self) -> dict[str, float]:
        """Return it as JSON has it."""
        return {
            "mean": round(self.mean, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "level": _LEVEL,
            "questions": self.questions,
        }


def gain_of(base: Sequence[float], tuned: Sequence[float], seed: int) -> Gain:
    """Return the gain in token F1, with a paired bootstrap interval.

    Args:
        base: Token F1 of the base model by question; not empty.
        tuned: Token F1 of the tuned model on the same questions.
        seed: Of the resampling.
    """
    differences = np.asarray(tuned, dtype=np.float64) - np.asarray(base, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(
        len(differences), size=(_RESAMPLES, len(differences))
    )
    means = differences[drawn].mean(axis=1)
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Gain(
        mean=float(differences.mean()), low=float(low), high=float(high), questions=len(differences)
    )


def decide_by_answers(
    base: Mapping[str, float], tuned: Mapping[str, float], gain: Gain
) -> tuple[Literal["base", "tuned"], str]:
    """Return which model to keep and why: the tuned one only if it is better than the noise.

    Args:
        base: Measures of the base model on the questions that choose.
        tuned: Measures of the tuned model on them.
        gain: The difference in token F1.
    """
    figures = (
        f"token F1 {base['token_f1']:.3f} -> {tuned['token_f1']:.3f} on {gain.questions} questions "
        f"held out of the train split, {_LEVEL:.0%} interval of the gain {gain.low:+.3f} to "
        f"{gain.high:+.3f}"
    )
    if gain.low > 0:
        return "tuned", figures
    if gain.mean > 0:
        return "base", f"tuning did not help by more than the noise: {figures}"
    return "base", f"tuning did not help: {figures}"
