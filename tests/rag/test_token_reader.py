"""Which tokens of a text become token vectors, and how many."""

from __future__ import annotations

import numpy as np

from rag.token_form import TokenForm
from rag.token_reader import TokenReader
from rag.token_vectors import unpack

CLS, SEP, PAD = 101, 102, 0
IDS = np.array([[CLS, 7, 8, 9, 10, SEP], [CLS, 7, SEP, PAD, PAD, PAD], [CLS, SEP, 0, 0, 0, 0]])
FEATURES = {"input_ids": IDS, "attention_mask": (np.arange(6) < [[6], [3], [2]]).astype(int)}
STATES = np.random.default_rng(3).standard_normal((3, 6, 16)).astype(np.float32)


def read(pooling: int, input_type: str) -> list[np.ndarray]:
    reader = TokenReader(TokenForm(dimension=8, pooling=pooling), [CLS, SEP, PAD])
    return [unpack(row, 8) for row in reader.read(STATES, FEATURES, input_type)]  # type: ignore[arg-type]


def test_special_tokens_and_padding_give_no_vectors() -> None:
    rows = read(1, "document")
    assert [len(row) for row in rows[:2]] == [4, 1]
    expected = STATES[0, 1:5, :8]
    cosines = (rows[0] * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.999


def test_a_text_without_tokens_of_its_own_has_those_of_the_model() -> None:
    assert len(read(1, "document")[2]) == 2


def test_tokens_of_a_passage_share_vectors_and_those_of_a_question_do_not() -> None:
    assert [len(row) for row in read(2, "document")] == [2, 1, 1]
    assert [len(row) for row in read(2, "query")] == [4, 1, 2]
