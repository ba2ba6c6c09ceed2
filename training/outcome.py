"""The outcome of a tuning: its measures, the choice of the model, and the model's version.

Pure: uses numpy and the standard library, and loads no model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from rag.metrics import retrieval_metrics
from training.examples import HeldOut
from training.passage_vectors import PassageVectors

__all__ = ["decide", "model_version", "rank_metrics"]

_DEPTH = 10
"""Passages to rank per query, for the deepest measure, @10."""


def decide(
    base: Mapping[str, float], tuned: Mapping[str, float], queries: str = "held-out queries"
) -> tuple[Literal["base", "tuned"], str]:
    """Return which model to keep and why: the tuned one only if its nDCG@10 is higher.

    Args:
        base: Measures of the base model.
        tuned: Measures of the tuned model.
        queries: What they were measured on, for the reason.
    """
    before, after = base["ndcg@10"], tuned["ndcg@10"]
    figures = f"nDCG@10 {before:.3f} -> {after:.3f} on {queries}"
    if after > before:
        return "tuned", figures
    return "base", f"tuning did not help: {figures}"


def rank_metrics(
    held_out: Sequence[HeldOut],
    queries: npt.NDArray[np.float32],
    passages: PassageVectors,
) -> dict[str, float]:
    """Measure an exact search over all passages.

    Args:
        held_out: The queries and the relevant passages of each.
        queries: (queries, dimension) float32, L2-normalised.
        passages: The embeddings of the passages.
    """
    results = []
    for query, vector in zip(held_out, queries, strict=True):
        scores = passages.scores(vector)
        depth = min(_DEPTH, len(scores))
        best = np.argpartition(-scores, depth - 1)[:depth]
        ranked = best[np.lexsort((best, -scores[best]))]
        results.append(([int(i) for i in ranked], query.relevant))
    return retrieval_metrics(results)


def model_version(folder: Path) -> str:
    """Return 12 hexadecimal digits of the hash of a model's weights, tokenizer and configuration.

    The hash leaves out model cards, and the padding and truncation in `tokenizer.json`, which come
    from the last text that was tokenized before the model was saved.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(_content(path))
    return digest.hexdigest()[:12]


def _content(path: Path) -> bytes:
    """Return the SHA-256 of a file's relevant content."""
    if path.name == "tokenizer.json":
        tokenizer = {**json.loads(path.read_bytes()), "padding": None, "truncation": None}
        return hashlib.sha256(json.dumps(tokenizer, sort_keys=True).encode()).digest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
