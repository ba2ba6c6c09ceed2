"""Which model is kept, and what its version is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.examples import HeldOut
from training.outcome import decide, model_version, rank_metrics
from training.passage_vectors import PassageVectors


def test_a_better_model_is_kept() -> None:
    kept, reason = decide({"ndcg@10": 0.4}, {"ndcg@10": 0.5})
    assert kept == "tuned"
    assert "0.400 -> 0.500" in reason


def test_a_model_that_is_only_as_good_is_not_kept() -> None:
    assert decide({"ndcg@10": 0.4}, {"ndcg@10": 0.4})[0] == "base"


def test_a_worse_model_is_not_kept_and_the_reason_is_given() -> None:
    kept, reason = decide({"ndcg@10": 0.4}, {"ndcg@10": 0.3})
    assert kept == "base"
    assert reason.startswith("tuning did not help")


def test_measures_come_from_the_ranking_by_cosine() -> None:
    passages = np.eye(12, dtype=np.float32)
    query = np.zeros((1, 12), dtype=np.float32)
    query[0, :3] = (0.9, 0.4, 0.2)
    vectors = PassageVectors(windows=passages, counts=[1] * 12)
    metrics = rank_metrics([HeldOut(query="q", relevant=frozenset({1}))], query, vectors)
    assert metrics["mrr@10"] == 0.5
    assert metrics["recall@5"] == 1.0


def test_fewer_passages_than_ranks_can_be_measured() -> None:
    one = np.ones((1, 1), dtype=np.float32)
    vectors = PassageVectors(windows=one, counts=[1])
    held_out = [HeldOut(query="q", relevant=frozenset({0}))]
    assert rank_metrics(held_out, one, vectors)["mrr@10"] == 1.0


def _model(folder: Path, weights: bytes) -> Path:
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def test_the_same_content_has_the_same_version(tmp_path: Path) -> None:
    first = model_version(_model(tmp_path / "a", b"w"))
    assert first == model_version(_model(tmp_path / "b", b"w"))
    assert len(first) == 12


def test_other_weights_have_another_version(tmp_path: Path) -> None:
    assert model_version(_model(tmp_path / "a", b"w")) != model_version(
        _model(tmp_path / "b", b"v")
    )


def test_a_model_card_does_not_change_the_version(tmp_path: Path) -> None:
    folder = _model(tmp_path / "a", b"w")
    before = model_version(folder)
    (folder / "README.md").write_text("made today")
    assert model_version(folder) == before


def test_padding_of_the_last_text_does_not_change_the_version(tmp_path: Path) -> None:
    folder = _model(tmp_path / "a", b"w")
    (folder / "tokenizer.json").write_text('{"padding": null, "model": 1}')
    before = model_version(folder)
    (folder / "tokenizer.json").write_text('{"padding": {"x": 1}, "model": 1}')
    assert model_version(folder) == before
    (folder / "tokenizer.json").write_text('{"padding": null, "model": 2}')
    assert model_version(folder) != before
