"""Token vectors: their bytes, their form, and the score of late interaction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.token_form import FORM_FILE, TokenForm
from rag.token_vectors import max_sim, pack, unpack

RNG = np.random.default_rng(7)


def unit(rows: int, dimension: int = 96) -> np.ndarray:
    vectors = RNG.standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_packed_vectors_keep_their_direction_in_a_byte_for_each_component() -> None:
    vectors = unit(200)
    packed = pack(vectors)
    assert len(packed) == 200 * 96
    cosines = (unpack(packed, 96) * vectors).sum(axis=1)
    assert cosines.min() > 0.999


def test_a_vector_of_zeros_stays_finite() -> None:
    assert not unpack(pack(np.zeros((1, 4), np.float32)), 4).any()


def test_bytes_that_end_within_a_vector_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        unpack(b"12345", 4)


def test_the_score_is_the_mean_of_the_best_cosine_of_each_question_token() -> None:
    question = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    passages = [
        np.array([[1, 0, 0], [0, 0, 1]], np.float32),
        np.array([[0.6, 0.8, 0]], np.float32),
        np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32),
    ]
    assert max_sim(question, passages) == pytest.approx([0.5, 0.7, 1.0])
    assert len(max_sim(question, [])) == 0


def test_the_form_is_saved_with_the_model(tmp_path: Path) -> None:
    assert TokenForm.load(tmp_path) is None
    form = TokenForm(dimension=96, pooling=2)
    form.save(tmp_path)
    assert (tmp_path / FORM_FILE).is_file()
    assert TokenForm.load(tmp_path) == form


def test_a_form_of_an_unknown_code_counts_as_none() -> None:
    described = TokenForm(dimension=96, pooling=2).described()
    assert TokenForm.of(described) == TokenForm(dimension=96, pooling=2)
    assert TokenForm.of({**described, "code": "int4"}) is None
    assert TokenForm.of(None) is None


@pytest.mark.parametrize("wrong", [{"dimension": 0}, {"pooling": 0}])
def test_a_form_without_components_or_tokens_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        TokenForm(**{"dimension": 96, "pooling": 2, **wrong})
