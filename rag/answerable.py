"""Decides whether the retrieved passages can have the answer, before a model is asked. Pure.

Owns the evidence and the thresholds. The evidence is how many of the question's words the best
passage has, weighted by how rare each word is, and how high its cosine is. The prompt also asks
the model to say when the passages have no answer, but a small model does not follow it.

Chosen on the sample and on the train splits of covid-qa and cmrc2018, with all-MiniLM-L6-v2. On the
test splits, by `benchmarks.answers` (docs/explanation/data-plane.md has all figures), 97 % of the
Chinese and 99 % of the English questions are answered; of those whose document was left out of the
index, 88 % and 37 % are refused, and of English ones about something else 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.analysis import content_weights, terms
from rag.retrieve import Hit

__all__ = ["THRESHOLD", "Evidence", "judge", "term_weights"]

THRESHOLD = 0.7
"""With less evidence than this, the application says that the documents do not have the answer."""
_WORDS_WEIGHT = 0.7
"""What a coverage of 1.0 counts beside the cosine."""
_NEAR = 0.6
"""From this cosine on, a passage is close enough without a word in common."""
_WORDS_ALONE = 0.5
"""The coverage that is enough where the cosine does not count."""
_PASSAGES = 3


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence that the passages have the answer.

    Attributes:
        coverage: Share of the question's content words that the best passage has, 0 to 1, each
            weighted by its rarity; 1.0 for a question without content words.
        cosine: Highest cosine of a passage and the question, not below 0.0.
        unknown: Content words of the question, as stems, that no passage of the index has.
        cosine_counts: Whether the embedding model knows the question's language. For Chinese,
            cosines of all-MiniLM-L6-v2 are as high without the answer as with it.
    """

    coverage: float
    cosine: float
    unknown: tuple[str, ...]
    cosine_counts: bool = True

    @property
    def answerable(self) -> bool:
        """Whether to ask the model."""
        if not self.cosine_counts:
            return self.coverage >= _WORDS_ALONE
        return _WORDS_WEIGHT * self.coverage + self.cosine >= THRESHOLD or self.cosine >= _NEAR


def term_weights(
    question: str, language: str, total: int, counts: Mapping[str, int]
) -> dict[str, float]:
    """Return the weight of each content term of a question: the rarer in the index, the higher.

    Args:
        question: The question.
        language: Its language, of those that the index has.
        total: Passages in the index.
        counts: By content term, the passages that have it.
    """
    return {
        term: weight * _rarity(counts.get(term, 0), total)
        for term, weight in content_weights(question, language).items()
    }


def _rarity(count: int, total: int) -> float:
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def judge(
    question: str,
    language: str,
    hits: Sequence[Hit],
    total: int,
    counts: Mapping[str, int],
    *,
    cosine_counts: bool = True,
) -> Evidence:
    """Return the evidence for a question.

    Args:
        question, language, total, counts: As in `term_weights`.
        hits: The passages, best first.
        cosine_counts: Whether the embedding model knows `language`.
    """
    weights = term_weights(question, language, total, counts)
    whole = math.fsum(weights.values())
    best = 0.0
    for hit in hits[:_PASSAGES]:
        present = set(terms(f"{hit.title}\n{hit.heading}\n{hit.passage}", hit.language))
        best = max(best, math.fsum(w for term, w in weights.items() if term in present))
    return Evidence(
        coverage=best / whole if whole else 1.0,
        cosine=max(
            (hit.cosine for hit in hits if hit.cosine is not None and hit.cosine > 0), default=0.0
        ),
        unknown=tuple(term for term in weights if counts.get(term, 0) == 0),
        cosine_counts=cosine_counts,
    )
