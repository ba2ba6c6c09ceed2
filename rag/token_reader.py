"""Makes token vectors of what a model computes for each token of a text.

Owns which tokens count, how many components are kept, and the pooling. Does not own the model
(`rag.encoder`) or the bytes (`rag.token_vectors`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

from rag.embedder import InputType
from rag.token_form import TokenForm
from rag.token_vectors import pack

__all__ = ["TokenReader"]


class TokenReader:
    """Reads the token vectors out of a model's last layer. Safe to call from several threads.

    Args:
        form: Their form.
        special: Ids of the tokens that the model adds to a text, such as ``[CLS]``.
    """

    def __init__(self, form: TokenForm, special: Collection[int]) -> None:
        self._form = form
        self._special = np.array(sorted(special), np.int64)
        self._pooling = HierarchicalTokenPooling(float(form.pooling), num_protected_tokens=0)

    def read(
        self,
        states: npt.NDArray[np.float32],
        features: Mapping[str, Any],
        input_type: InputType,
    ) -> list[bytes]:
        """Return the token vectors of each text of a batch, as `rag.token_vectors.pack` writes.

        Args:
            states: (texts, tokens, model's dimension) float32, the last layer.
            features: The model's input: ``input_ids`` and ``attention_mask``, (texts, tokens).
            input_type: The vectors of a question are not pooled.
        """
        present = np.asarray(features["attention_mask"], bool)
        counting = present & ~np.isin(np.asarray(features["input_ids"]), self._special)
        # An empty text has nothing but special tokens.
        counting |= present & ~counting.any(axis=1, keepdims=True)
        kept = states[..., : self._form.dimension]
        return [
            pack(self._pooled(rows[mask], input_type))
            for rows, mask in zip(kept, counting, strict=True)
        ]

    def _pooled(
        self, vectors: npt.NDArray[np.float32], input_type: InputType
    ) -> npt.NDArray[np.float32]:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
        if input_type == "query" or self._form.pooling == 1:
            return unit
        pooled: npt.NDArray[np.float32] = self._pooling.pool_one(torch.from_numpy(unit)).numpy()
        return pooled
