"""The cross-encoder in this process, compiled and on torch, with a tiny random BERT."""

from __future__ import annotations

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import CrossEncoder

from rag.cpu_encoder import CpuCrossEncoder
from rag.cross_encoder import FOLDER, LocalCrossEncoder
from rag.encoder import LocalEncoder
from rag.errors import RerankError
from tests.rag.tiny_models import write_model

QUESTION = "What does alarm W7 mean?"
TEXTS = [
    "It means that the pressure is too low.",
    "",
    "The pump is checked every thirty days. " * 100,
    "如何清除报警 W7?",
    *(f"Passage number {n} of {'many ' * n}" for n in range(20)),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def folder(model: Path) -> Path:
    return model / FOLDER


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[float]:
    pairs = [(QUESTION, text) for text in TEXTS]
    return [float(score) for score in CrossEncoder(str(folder), device="cpu").predict(pairs)]


def test_the_compiled_model_gives_the_scores_of_torch_in_the_order_of_the_texts(
    folder: Path, expected: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rag.cpu_encoder")
    encoder = LocalCrossEncoder(folder, device="cpu")
    assert "encoding with OpenVINO" in caplog.text
    assert "cosine of z-scores to torch's" in caplog.text
    found = encoder.scores(QUESTION, TEXTS)
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    assert encoder.scores(QUESTION, []) == []
    encoder.close()


def test_several_threads_can_score_at_the_same_time(folder: Path) -> None:
    encoder = LocalCrossEncoder(folder, device="cpu")
    alone = encoder.scores(QUESTION, TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: encoder.scores(QUESTION, TEXTS), range(4)):
            assert np.allclose(scores, alone, atol=1e-2)
    encoder.close()


def test_torch_scores_when_openvino_cannot(
    folder: Path,
    expected: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    encoder = LocalCrossEncoder(folder, device="cpu")
    assert "encoding with torch: OpenVINO cannot run the model" in caplog.text
    assert np.allclose(encoder.scores(QUESTION, TEXTS), expected, atol=1e-4)
    encoder.close()


def test_scores_that_differ_from_those_of_torch_are_not_used(
    folder: Path,
    expected: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    right = CpuCrossEncoder.scores

    def wrong(self: CpuCrossEncoder, question: str, texts: list[str]) -> np.ndarray:
        return np.roll(right(self, question, texts), 1)

    monkeypatch.setattr(CpuCrossEncoder, "scores", wrong)
    encoder = LocalCrossEncoder(folder, device="cpu")
    assert "at least 0.999 is required" in caplog.text
    assert np.allclose(encoder.scores(QUESTION, TEXTS), expected, atol=1e-4)
    encoder.close()


def test_an_encoder_scores_with_the_cross_encoder_in_its_folder(
    model: Path, expected: list[float]
) -> None:
    encoder = LocalEncoder(str(model), device="cpu")
    found = asyncio.run(encoder.relevance(QUESTION, TEXTS))
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    encoder.close()


def test_an_encoder_without_a_cross_encoder_says_so() -> None:
    encoder = LocalEncoder("all-MiniLM-L6-v2", device="cpu")
    with pytest.raises(RerankError, match="has no cross-encoder"):
        asyncio.run(encoder.relevance(QUESTION, TEXTS))
    encoder.close()
