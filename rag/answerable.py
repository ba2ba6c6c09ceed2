"""Decides whether the retrieved passages can have the answer, before a model is asked. Pure.

Owns the evidence and the thresholds. The evidence is how many of the question's words stand near
each other in one passage, weighted by how rare each word is, and how high its cosine is. The prompt
also asks the model to say when the passages have no answer, but a small model does not follow it.

Chosen on the sample and on the train splits of covid-qa and cmrc2018, with all-MiniLM-L6-v2;
docs/explanation/data-plane.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.analysis import content_weights, terms
from rag.hits import Hit
from rag.sentences import sentence_spans

__all__ = ["THRESHOLD", "Evidence", "judge", "term_weights"]

THRESHOLD = 0.85
"""With less support than this, the application says that the documents do not have the answer."""
_NEAR = 0.65
"""From this cosine on, a passage is close enough without a word in common."""
_WORDS_ALONE = 0.5
"""The coverage that is enough where the cosine does not count."""
_PASSAGES = 3
_LEAST_ASKED = 0.1
"""The least share that a passage's text must have of the words beside its subject's name."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence that the passages have the answer.

    Attributes:
        coverage: Share of the question's content words that the best passage has, 0 to 1, each
            weighted by its rarity; 1.0 for a question without content words.
        cosine: Highest cosine of a passage and the question, not below 0.0.
        support: Best sum, over the passages, of the cosine and of the share of the content words
            that stand together in two sentences, the title and the heading; 0 to 2. A passage that
            has only words of its own title, and none of the question's others, does not count.
        unknown: Content words of the question, as stems, that no passage of the index has.
        cosine_counts: Whether the embedding model knows the question's language. For Chinese,
            cosines of all-MiniLM-L6-v2 are as high without the answer as with it.
    """

    coverage: float
    cosine: float
    support: float
    unknown: tuple[str, ...]
    cosine_counts: bool = True

    @property
    def answerable(self) -> bool:
        """Whether to ask the model."""
        if not self.cosine_counts:
            return self.coverage >= _WORDS_ALONE
        return self.support >= THRESHOLD or self.cosine >= _NEAR


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

    def share(found: Collection[str]) -> float:
        return math.fsum(weights[term] for term in found) / whole if whole else 1.0

    coverage = support = 0.0
    for hit in hits[:_PASSAGES]:
        head = weights.keys() & set(terms(f"{hit.title}\n{hit.heading}", hit.language))
        text = weights.keys() & set(terms(hit.passage, hit.language))
        coverage = max(coverage, share(head | text))
        # The title names the subject; a heading already tells something about it.
        named = set(terms(hit.title, hit.language))
        asked = weights.keys() - named
        if not asked or share((head | text) - named) > _LEAST_ASKED * share(asked):
            near = max(share(weights.keys() & (head | words)) for words in _together(hit))
            support = max(support, near + max(0.0, hit.cosine or 0.0))
    return Evidence(
        coverage=coverage,
        cosine=max((hit.cosine for hit in hits if hit.cosine and hit.cosine > 0), default=0.0),
        support=support,
        unknown=tuple(term for term in weights if counts.get(term, 0) == 0),
        cosine_counts=cosine_counts,
    )


def _together(hit: Hit) -> Iterator[set[str]]:
    """Yield the terms of each sentence or row with those of the one before it and the header."""
    header = set(terms(hit.table_header, hit.language))
    before: set[str] = set()
    for start, end in sentence_spans(hit.text):
        words = set(terms(hit.text[start:end], hit.language))
        yield words | before | header
        before = words
    yield header
