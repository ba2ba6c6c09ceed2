"""Encoding on the CPU by OpenVINO, against torch, with the packaged model."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

from rag import cpu_encoder
from rag.cpu_encoder import MIN_COSINE, CpuModel, compile_for_cpu
from rag.encoder import LocalEncoder
from rag.models import resolve_model
from rag.token_form import TokenForm
from rag.token_vectors import unpack

TEXTS = [
    "What does alarm W7 mean?",
    "",
    "The pump is checked every thirty days. " * 100,
    "如何清除报警 W7?",
    *(f"Passage number {n} of {'many ' * n}" for n in range(0, 40, 5)),
]


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(resolve_model("all-MiniLM-L6-v2"), device="cpu")


@pytest.fixture(scope="module")
def compiled(model: SentenceTransformer) -> CpuModel:
    compiled = compile_for_cpu(model, threads=2)
    assert compiled is not None
    return compiled


def expected(model: Any, texts: list[str], **options: Any) -> Any:
    return model.encode(texts, normalize_embeddings=True, **options)


def test_vectors_equal_those_of_torch_in_the_order_of_the_texts(
    model: SentenceTransformer, compiled: CpuModel
) -> None:
    vectors = compiled.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * expected(model, TEXTS)).sum(axis=1).min() > MIN_COSINE


def test_a_prompt_goes_before_each_text(model: SentenceTransformer, compiled: CpuModel) -> None:
    vectors = compiled.encode(["pump", "valve"], prompt="query: ")
    wanted = expected(model, ["query: pump", "query: valve"], prompt="")
    assert (vectors * wanted).sum(axis=1).min() > MIN_COSINE


def test_token_vectors_equal_those_of_torch(
    model: SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.save_pretrained(str(tmp_path), create_model_card=False)
    TokenForm(dimension=32, pooling=1).save(tmp_path)
    compiled = LocalEncoder(str(tmp_path), device="cpu")
    monkeypatch.setattr(LocalEncoder, "_compile", lambda self: None)
    torch = LocalEncoder(str(tmp_path), device="cpu")
    both = [encoder.encode(TEXTS, "document").tokens for encoder in (compiled, torch)]
    for found, wanted in zip(*both, strict=True):
        assert (unpack(found, 32) * unpack(wanted, 32)).sum(axis=1).min() > 0.98
    (of_a_batch,) = torch.encode_batch(TEXTS[:1], "query").tokens
    assert len(of_a_batch) % 32 == 0
    compiled.close()
    torch.close()


def test_no_texts_give_no_vectors(compiled: CpuModel) -> None:
    assert compiled.encode([]).shape == (0, 384)


def test_several_threads_can_encode_at_the_same_time(compiled: CpuModel) -> None:
    alone = compiled.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: compiled.encode(TEXTS), range(4)):
            assert np.allclose(vectors, alone, atol=1e-2)


def test_openvino_sends_no_usage_statistics(compiled: CpuModel) -> None:
    used = sys.modules["openvino.tools.ovc.convert_impl"].tm  # type: ignore[attr-defined]
    assert used.__name__ == "openvino.tools.ovc.telemetry_stub"


def test_first_token_pooling_is_compiled_too(model: SentenceTransformer) -> None:
    first_token = SentenceTransformer(modules=[model[0], Pooling(384, "cls")], device="cpu")
    compiled = compile_for_cpu(first_token, threads=1)
    assert compiled is not None
    vectors = compiled.encode(TEXTS[:4])
    assert (vectors * expected(first_token, TEXTS[:4])).sum(axis=1).min() > MIN_COSINE


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ([Pooling(384, "max")], "pooling mode is 'max'"),
        ([Pooling(384, "mean", include_prompt=False)], "leaves out the prompt"),
        ([Pooling(384, "mean"), Dense(384, 128), Normalize()], "Pooling, Dense, Normalize"),
    ],
)
def test_a_model_with_other_modules_is_left_to_torch(
    model: SentenceTransformer,
    modules: list[Any],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "rag.cpu_encoder")
    other = SentenceTransformer(modules=[model[0], *modules], device="cpu")
    assert compile_for_cpu(other, threads=1) is None
    assert reason in caplog.text


def test_vectors_that_differ_from_those_of_torch_are_not_used(
    model: SentenceTransformer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Inaccurate:
        precision = "bf16"

        def __init__(self, *arguments: Any) -> None:
            pass

        def encode(self, texts: list[str], **options: Any) -> Any:
            vectors = expected(model, list(texts))
            vectors[0] = np.roll(vectors[0], 1)
            return vectors

    monkeypatch.setattr(cpu_encoder, "CpuModel", Inaccurate)
    assert compile_for_cpu(model, threads=1) is None
    assert "at least 0.999 is required" in caplog.text


def test_torch_encodes_when_openvino_cannot(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    encoder = LocalEncoder("all-MiniLM-L6-v2", device="cpu")
    assert "encoding with torch: OpenVINO cannot run the model" in caplog.text
    vectors = encoder.encode(["pump", "valve"], "document").vectors
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.allclose(encoder.encode_batch(["valve"], "document").vectors, vectors[1:], atol=1e-5)
    encoder.close()
