"""Pairs and held-out queries that are made from documents, for a corpus without questions. Pure.

Owns which sentences and headings become queries. Two kinds:

    sentence    cut out of its own passage, it must find the rest (the inverse cloze task of Lee et
                al., 2019, arXiv:1906.00300);
    heading     must find its section, from which it is removed.

Whole documents are held out to measure on. A held-out sentence is cut out of the passage that it
must find, because plain word overlap would answer every query otherwise. Lengths are measured by
content, so that a Chinese sentence counts like its English translation.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.language import CJK, content_length
from rag.sentences import sentence_spans
from training.examples import HeldOut, Pair, Passage, hash_of

__all__ = ["DocumentPairs", "pairs_from_documents"]

_HELD_OUT_PERCENT = 20
_MIN_SENTENCE, _MAX_SENTENCE = 30.0, 300.0
_MIN_REST = 80.0
"""Content that must be left of a passage once sentences or a heading are taken out of it."""
_SMALL = 200
"""With fewer passages than this, a passage gives several sentences, and each has more content."""
_CONTENT_PER_SENTENCE = 250.0
_MOST_SENTENCES = 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class DocumentPairs:
    """What the documents give.

    Attributes:
        pairs: To train on.
        held_out: To measure on, from other documents.
        replaced: Text by position of passages that are measured without their held-out sentences.
        split: A description of `held_out`.
    """

    pairs: list[Pair]
    held_out: list[HeldOut]
    replaced: Mapping[int, str]
    split: str


def pairs_from_documents(passages: Sequence[Passage], seed: int) -> DocumentPairs:
    """Return pairs from four fifths of the documents, and held-out sentences of the others.

    Args:
        passages: Every passage of the corpus, in order.
        seed: Of the choice of sentences.
    """
    # A fifth of the documents, those whose keys hash lowest; at least one, and never all.
    documents = sorted({passage.document for passage in passages}, key=hash_of)
    share = min(max(1, len(documents) * _HELD_OUT_PERCENT // 100), len(documents) - 1)
    measured = set(documents[:share])
    rng = random.Random(seed)  # noqa: S311 - draws sentences, not secrets
    sentences = _Sentences(passages)
    pairs: list[Pair] = []
    held_out: list[HeldOut] = []
    replaced: dict[int, str] = {}
    for position, passage in enumerate(passages):
        chosen = sentences.choose(position, rng)
        if passage.document not in measured:
            for sentence in chosen:
                rest = _without(passage.text, [sentence])
                pairs.append(
                    Pair(
                        query=_one_line(sentence),
                        relevant=sentences.positions(sentence),
                        answer=sentence,
                        passage=rest,
                    )
                )
            continue
        for sentence in chosen:
            relevant = sentences.positions(sentence)
            held_out.append(HeldOut(query=_one_line(sentence), relevant=relevant))
            for at in relevant:
                replaced[at] = _without(replaced.get(at, passages[at].text), [sentence])
    pairs += _heading_pairs(passages, measured)
    split = f"{_HELD_OUT_PERCENT} % of documents, by hash of the key"
    return DocumentPairs(pairs=pairs, held_out=held_out, replaced=replaced, split=split)


class _Sentences:
    """The sentences of every passage, and where each appears."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._in = [
            [passage.text[start:end] for start, end in sentence_spans(passage.text)]
            for passage in passages
        ]
        self._positions: dict[str, set[int]] = {}
        for position, sentences in enumerate(self._in):
            for sentence in sentences:
                self._positions.setdefault(_one_line(sentence), set()).add(position)
        self._used: set[str] = set()

    def positions(self, sentence: str) -> frozenset[int]:
        """Return the passages with the sentence: two, if the second repeats the first one's end."""
        return frozenset(self._positions[_one_line(sentence)])

    def choose(self, position: int, rng: random.Random) -> list[str]:
        """Choose sentences of a passage that no other document has, and no earlier passage gave."""
        text = self._passages[position].text
        fitting = [
            sentence
            for sentence in self._in[position]
            if _MIN_SENTENCE <= content_length(sentence) <= _MAX_SENTENCE
            and not sentence.startswith("#")
            and _one_line(sentence) not in self._used
            and len({self._passages[at].document for at in self.positions(sentence)}) == 1
        ]
        count = 1
        if len(self._passages) < _SMALL:
            count = min(_MOST_SENTENCES, max(1, int(content_length(text) / _CONTENT_PER_SENTENCE)))
        chosen: list[str] = []
        while fitting and len(chosen) < count:
            sentence = fitting.pop(rng.randrange(len(fitting)))
            if all(
                content_length(_without(self._passages[at].text, [*chosen, sentence])) >= _MIN_REST
                for at in self.positions(sentence)
            ):
                chosen.append(sentence)
                self._used.add(_one_line(sentence))
        return chosen


def _heading_pairs(passages: Sequence[Passage], measured: set[str]) -> list[Pair]:
    """Pair headings with their passages.

    A heading of one word, or one that several documents have, gets the headings above it and the
    title in front, as far as it needs them. A heading that is still not clear is left out.
    """
    paths = {
        (passage.document, path): _names(passage, path)
        for passage in passages
        for path in passage.headings
    }
    owners: Counter[str] = Counter()
    for names in paths.values():
        owners.update(dict.fromkeys(names, 1))
    positions: dict[tuple[str, tuple[str, ...]], set[int]] = {}
    for position, passage in enumerate(passages):
        for path in passage.headings:
            positions.setdefault((passage.document, path), set()).add(position)
    pairs = []
    for passage in passages:
        if passage.document in measured:
            continue
        for path in passage.headings:
            section = (passage.document, path)
            query = next(
                (name for name in paths[section] if owners[name] == 1 and _words(name) >= 2),
                None,
            )
            if query is None:
                continue
            rest = _without(passage.text, [path[-1]]).lstrip("# \n")
            if content_length(rest) >= _MIN_REST:
                pairs.append(
                    Pair(query=query, relevant=frozenset(positions[section]), passage=rest)
                )
    return pairs


def _names(passage: Passage, path: tuple[str, ...]) -> list[str]:
    """Return the ways to name a section, the shortest first."""
    names = [" ".join(path[at:]).strip() for at in range(len(path) - 1, -1, -1)]
    if path[0] != passage.title:
        names.append(f"{passage.title} {names[-1]}")
    return names


def _words(text: str) -> float:
    """Count words; two ideographs are about one."""
    ideographs = len(CJK.findall(text))
    return len(_WORD.findall(CJK.sub(" ", text))) + ideographs / 2


def _without(text: str, pieces: Sequence[str]) -> str:
    for piece in pieces:
        text = text.replace(piece, "", 1)
    return text.strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())
