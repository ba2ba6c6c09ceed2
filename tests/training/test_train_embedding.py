"""The script as it is run: on a small corpus, with the real all-MiniLM-L6-v2, on a CPU.

Cannot prove: what a GPU does, that a corpus of real size is learned
(see docs/explanation/training.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.cross_encoder import FOLDER
from rag.models import resolve_model
from rag.token_form import TokenForm
from training.train_embedding import main

METRICS = {"recall@5", "recall@10", "mrr@10", "ndcg@10"}
DEADLINE_SECONDS = 300.0


def _arguments(corpus: Path, output: Path, **changes: object) -> list[str]:
    options = {
        "corpus_dir": corpus,
        "output_dir": output,
        "num_train_epochs": 4,
        "per_device_train_batch_size": 8,
        "learning_rate": 2e-4,
        "precision": "fp32",
        "max_seq_length": 64,
        "hard_negatives": 0,
        # Leaves no questions to choose by.
        "min_pairs": 70,
        # Most tests need no TorchScript, which takes seconds.
        "libtorch_version": "none",
        **changes,
    }
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]


def _environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **changes}


def _run(
    arguments: list[str], launcher: tuple[str, ...] = (), env: Mapping[str, str] | None = None
) -> str:
    command = [sys.executable, *launcher, "-m", "training.train_embedding", *arguments]
    done = subprocess.run(
        command,
        env=dict(env or _environment()),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _result(output: Path) -> dict[str, Any]:
    return dict(json.loads((output / "result.json").read_text()))


def _cut_off(checkpoint: Path) -> None:
    """Leave a checkpoint as a kill in the middle of its writing would."""
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"half")


def _kill_at(arguments: list[str], line: str) -> str:
    """Run the script, and kill it (SIGKILL) as soon as a line of its output contains `line`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "training.train_embedding", *arguments],
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    seen: list[str] = []
    try:
        assert process.stdout is not None
        for text in process.stdout:
            seen.append(text)
            if line in text:
                process.send_signal(signal.SIGKILL)
                break
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
    assert process.returncode == -signal.SIGKILL, "".join(seen)
    return "".join(seen)


@pytest.mark.model
def test_a_killed_run_resumes_and_writes_a_complete_result(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = _arguments(corpus, output, save_steps=10, min_pairs=16)
    _kill_at(arguments, "step 12/24")
    assert not (output / "result.json").exists()
    _cut_off(output / "checkpoints" / "checkpoint-11")

    assert main(arguments) == 0

    log = capsys.readouterr().out
    assert "resuming from checkpoint of step 10" in log
    assert "step 10/24" not in log
    result = _result(output)
    assert (result["kept"], result["model_prefix"], result["dimension"]) == ("tuned", "model/", 384)
    assert set(result["base"]) == set(result["tuned"]) == METRICS
    assert result["tuned"]["ndcg@10"] > result["base"]["ndcg@10"]
    assert result["questions"] == {"train": 48, "validation": 24, "test": 24}
    assert "on 24 questions held out of the train split" in result["reason"]
    assert 0.0 <= result["search_weight"] <= 1.0
    assert len(result["model_version"]) == 12
    assert result["encode_rate_chunks_per_second"] > 0
    metrics = json.loads((output / "metrics.json").read_text())
    assert set(metrics["validation"]["tuned"]) == METRICS
    assert len(metrics["search_weight_ndcg@10"]) == 21
    assert len(metrics["rerank_weight_ndcg@10"]) == 21
    form = TokenForm.load(output / "model")
    assert TokenForm.of(result["token_vectors"]) == form
    assert (result["rerank_weight"] > 0) is (form is not None)
    assert (output / "model" / "modules.json").is_file()
    assert not (output / "checkpoints").exists()

    assert main(arguments) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert _result(output) == result


@pytest.mark.model
def test_a_run_killed_after_its_last_step_trains_no_further(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = _arguments(corpus, output, num_train_epochs=1)
    _kill_at(arguments, "tuned: recall@5")

    assert main(arguments) == 0

    log = capsys.readouterr().out
    assert "resuming from checkpoint of step 9" in log
    assert "loss" not in log
    assert set(_result(output)["tuned"]) == METRICS


@pytest.mark.model
def test_a_run_killed_in_the_training_of_the_cross_encoder_goes_on_with_it(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    options = {"num_train_epochs": 1, "cross_encoder_epochs": 1.5, "save_steps": 3}
    arguments = _arguments(corpus, output, min_pairs=16, **options)
    _kill_at(arguments, "step 4/9")

    assert main(arguments) == 0

    log = capsys.readouterr().out
    assert "resuming from checkpoint of step 6" in log
    assert "resuming from checkpoint of step 3" in log
    result = _result(output)
    metrics = json.loads((output / "metrics.json").read_text())
    assert [line["step"] for line in metrics["cross_encoder_loss"]] == list(range(1, 10))
    assert len(metrics["cross_encoder_weight_ndcg@10"]) == 21
    saved = [name for name in result["files"] if name.startswith(f"model/{FOLDER}/")]
    assert bool(saved) is (output / "model" / FOLDER).is_dir()
    assert bool(saved) is (result["cross_encoder_weight"] > 0)
    assert not list(output.glob("*checkpoints*"))


@pytest.mark.model
def test_a_corpus_without_questions_to_judge_by_gets_no_cross_encoder(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(_arguments(corpus, output, num_train_epochs=1, cross_encoder_epochs=1)) == 0
    assert "no cross-encoder: there are too few questions to judge it by" in capsys.readouterr().out
    assert _result(output)["cross_encoder_weight"] == 0.0


@pytest.mark.model
def test_two_workers_under_torchrun_train_together(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = (
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "--nnodes=1",
        "--node_rank=0",
        "--master_addr=127.0.0.1",
        f"--master_port={port}",
    )
    options = {"per_device_train_batch_size": 2, "num_train_epochs": 1, "hard_negatives": 1}
    options |= {"min_pairs": 16, "cross_encoder_epochs": 0.67}
    log = _run(_arguments(corpus, output, **options), launcher)
    assert "2 worker(s)" in log
    assert "12 steps of 4 pairs, 1 mined negative(s) each" in log
    assert log.count("step 12/12") == 1
    assert "cross-encoder: 2 steps of 16 questions, 5 mined negatives each" in log
    assert log.count("step 2/2") == 1
    assert set(_result(output)["tuned"]) == METRICS
    assert json.loads((output / "metrics.json").read_text())["workers"] == 2


@pytest.mark.model
def test_a_model_made_worse_is_not_kept(corpus: Path, tmp_path: Path) -> None:
    output, untrained = tmp_path / "out", tmp_path / "untrained"
    worse = {"learning_rate": 0.01, "num_train_epochs": 1, "warmup_ratio": 0}
    assert main(_arguments(corpus, output, **worse)) == 0
    result = _result(output)
    assert result["kept"] == "base"
    assert result["reason"].startswith("tuning did not help")
    assert result["tuned"]["ndcg@10"] <= result["base"]["ndcg@10"]

    assert main(_arguments(corpus, untrained, min_pairs=1000)) == 0
    assert _result(untrained)["model_version"] == result["model_version"]


@pytest.mark.model
def test_a_base_model_in_a_folder_gives_the_same_model(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large model recomputes activations, which changes memory and time, not the model."""
    monkeypatch.setattr("training.tuning._LARGE_PARAMETERS", 0)
    few = {"num_train_epochs": 1, "hard_negatives": 0}
    folder = resolve_model("all-MiniLM-L6-v2")
    assert main(_arguments(corpus, tmp_path / "staged", base_model_dir=folder, **few)) == 0
    monkeypatch.undo()
    assert main(_arguments(corpus, tmp_path / "fetched", **few)) == 0
    staged, fetched = _result(tmp_path / "staged"), _result(tmp_path / "fetched")
    assert staged["base_model"] == fetched["base_model"] == "all-MiniLM-L6-v2"
    assert staged["tuned"] == pytest.approx(fetched["tuned"], abs=0.01)


def test_a_folder_without_a_model_is_refused_before_any_work(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = _arguments(corpus, tmp_path / "out", base_model_dir=str(tmp_path))
    assert main(arguments) == 2
    assert "has no config.json" in capsys.readouterr().err


@pytest.mark.model
def test_too_few_pairs_keep_the_base_and_say_why(tmp_path: Path) -> None:
    corpus, output = tmp_path / "corpus", tmp_path / "out"
    (corpus / "docs").mkdir(parents=True)
    (corpus / "docs" / "a.md").write_text("# A\n\nOne short document.\n")
    assert main(_arguments(corpus, output)) == 0
    result = _result(output)
    assert result["kept"] == "base"
    assert result["torchscript"] is None
    assert result["reason"].startswith("0 pairs to train on and 0 held-out queries")
    assert result["tuned"] is None
    assert (output / "model" / "modules.json").is_file()


@pytest.mark.model
def test_the_kept_model_is_exported_and_a_changed_target_does_not_train_again(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without enough pairs, the model is kept as it comes, and exported all the same."""
    output = tmp_path / "out"
    few = {"min_pairs": 1000}
    assert main(_arguments(corpus, output, libtorch_version="2.5.1", **few)) == 0
    first = _result(output)
    written = output / first["torchscript"]["path"]
    assert (first["kept"], first["torchscript"]["libtorch_version"]) == ("base", "2.5.1")
    assert first["torchscript"]["sha256"] == hashlib.sha256(written.read_bytes()).hexdigest()
    assert first["torchscript"]["max_tokens"] == 64
    assert first["files"]["torchscript/model.zip"] == written.stat().st_size
    assert [path.name for path in written.parent.iterdir()] == ["model.zip"]
    capsys.readouterr()

    written.unlink()
    assert main(_arguments(corpus, output, libtorch_version="1.13.1", **few)) == 0
    log, second = capsys.readouterr().out, _result(output)
    assert "encoded" not in log
    assert second["torchscript"]["libtorch_version"] == "1.13.1"
    assert second["torchscript"]["sha256"] == first["torchscript"]["sha256"]
    assert written.is_file()
    assert json.loads((output / "metrics.json").read_text())["torchscript"] == second["torchscript"]

    assert main(_arguments(corpus, output, libtorch_version="none", **few)) == 0
    assert _result(output)["torchscript"] is None
    assert not written.exists()


@pytest.mark.model
def test_a_result_whose_model_is_gone_is_made_again(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, few = tmp_path / "out", {"min_pairs": 1000}
    assert main(_arguments(corpus, output, **few)) == 0
    version = _result(output)["model_version"]
    (output / "model" / "model.safetensors").write_bytes(b"half")
    capsys.readouterr()

    assert main(_arguments(corpus, output, **few)) == 0
    assert "nothing to do" not in capsys.readouterr().out
    assert _result(output)["model_version"] == version


@pytest.mark.model
def test_a_model_that_cannot_be_exported_is_kept_with_the_reason(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.torchscript.export._MOST_TOKENS", 32)
    output = tmp_path / "out"
    assert main(_arguments(corpus, output, libtorch_version="2.5.1", min_pairs=1000)) == 0
    result = _result(output)
    assert result["torchscript"]["refused"].startswith("the model reads 64 tokens, and OpenSearch")
    assert "torchscript/model.zip" not in result["files"]
    assert (output / "model" / "modules.json").is_file()


@pytest.mark.model
def test_a_corpus_without_questions_trains_on_its_documents(
    bare_corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert main(_arguments(bare_corpus, output, num_train_epochs=1, min_pairs=4)) == 0
    result = _result(output)
    assert result["pairs_source"] == "documents"
    assert set(result["tuned"]) == METRICS


def test_a_dimension_that_the_model_does_not_have_is_refused_before_any_work(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(corpus, tmp_path / "out", dimension=768)) == 2
    error = capsys.readouterr().err
    assert "--dimension is 768, but all-MiniLM-L6-v2 has 384" in error
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_reported_in_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(corpus, tmp_path / "out", base_model="no-such-model")) == 2
    error = capsys.readouterr().err
    assert error.startswith("train_embedding: embedding model 'no-such-model' is not known")
    assert error.count("\n") == 1


def test_workers_that_read_different_documents_do_not_train(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = SimpleNamespace(world_size=2, from_main=lambda value: "of other documents")
    monkeypatch.setattr("training.run.Run.workers", others)
    with pytest.raises(RuntimeError, match="The workers have different documents"):
        main(_arguments(corpus, tmp_path / "out"))


def test_an_empty_corpus_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    assert main(_arguments(tmp_path, tmp_path / "out")) == 2
    assert "has no documents" in capsys.readouterr().err


def test_a_value_out_of_bounds_is_reported_in_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(corpus, tmp_path / "out", scale=0)) == 2
    assert capsys.readouterr().err == (
        "train_embedding: --scale is 0.0; it must be over 0 and at most 1000\n"
    )
