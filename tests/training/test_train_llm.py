"""The script as it is run, on a CPU: once with the packaged model, else with a model of two layers.

The small one has random weights, so it learns nothing that answers show. Cannot prove: what a GPU
does, QLoRA, that a corpus of real size is learned (see docs/explanation/training.md).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training.llm.model_studio import adapter_problems
from training.train_llm import TIME_IS_UP, main

DEADLINE_SECONDS = 300.0
MEASURES = {"token_f1", "exact_match", "loss"}
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model of two layers whose tokens are bytes; its name says that it is a small one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

    folder = tmp_path_factory.mktemp("models") / "smollm2-135m-tiny"
    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|im_start|>"],
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(str(folder))
    set_seed(1)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(str(folder))
    return folder


@pytest.fixture(autouse=True)
def short_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut answers, which take most of the time, where a test runs in this process."""
    monkeypatch.setattr("training.llm.measure._LONGEST_ANSWER", 8)


def _arguments(corpus: Path, output: Path, model: Path | str, **changes: object) -> list[str]:
    options = {
        "corpus_dir": corpus,
        "output_dir": output,
        "base_model": model,
        "num_train_epochs": 1,
        "learning_rate": 1e-3,
        "precision": "fp32",
        "answer_questions": 5,
        "max_examples": 24,
        **changes,
    }
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]


def _command(arguments: list[str], *launcher: str) -> list[str]:
    return [sys.executable, *launcher, "-m", "training.train_llm", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def _result(output: Path) -> dict[str, Any]:
    return dict(json.loads((output / "result.json").read_text()))


def _keep_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.llm.run.decide_by_answers", lambda *_: ("tuned", "for the test"))


@pytest.mark.model
def test_the_packaged_model_is_tuned_and_judged(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _keep_tuned(monkeypatch)
    output = tmp_path / "out"
    # Three steps of two examples each: it is a matter of CPU time.
    short = {"max_examples": 16, "per_device_train_batch_size": 2, "num_train_epochs": 0.35}
    arguments = _arguments(corpus, output, "smollm2-135m-instruct", warmup_ratio=0, **short)
    assert main(arguments) == 0

    result = _result(output)
    assert (result["kept"], result["method"], result["prompt"]) == ("tuned", "lora", "quotes")
    assert result["questions"] == {"train": 16, "validation": 24, "test": 24}
    for split in ("validation", "test"):
        assert set(result[split]["base"]) == set(result[split]["tuned"]) == MEASURES
        assert result[split]["tuned"]["loss"] < result[split]["base"]["loss"]
    assert set(result["files"]) == {
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
    }
    assert [*adapter_problems(output / "adapter")] == []
    config = json.loads((output / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert (config["r"], config["lora_alpha"], config["rank_pattern"]) == (16, 32, {})
    assert {"q_proj", "down_proj"} < set(config["target_modules"])
    first = json.loads((output / "data.jsonl").read_text().splitlines()[0])
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]
    metrics = json.loads((output / "metrics.json").read_text())
    assert [line["step"] for line in metrics["loss"]] == [1, 2, 3]
    assert len(metrics["answers"]["test"]) == 5
    assert not (output / "checkpoints").exists()
    capsys.readouterr()

    assert main(arguments) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert _result(output) == result


@pytest.mark.model
def test_a_killed_run_resumes_and_ends_like_an_undisturbed_one(
    corpus: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answers of the killed run are longer, but no answer of random weights counts."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    arguments = _arguments(corpus, killed, tiny_model, save_steps=2)
    process = subprocess.Popen(
        _command(arguments), env=_environment(), stdout=subprocess.PIPE, text=True
    )
    seen = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(line)
            if "step 3/6" in line:
                process.send_signal(signal.SIGKILL)
                break
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
    assert process.returncode == -signal.SIGKILL, "".join(seen)
    assert not (killed / "result.json").exists()

    assert main(arguments) == 0
    log = capsys.readouterr().out
    assert "resuming from checkpoint of step 2" in log
    assert log.count("answered 5/5") == 2
    assert main(_arguments(corpus, whole, tiny_model)) == 0
    resumed, undisturbed = _result(killed), _result(whole)
    for split in ("validation", "test"):
        assert resumed[split]["tuned"]["loss"] == pytest.approx(
            undisturbed[split]["tuned"]["loss"], abs=1e-3
        )


@pytest.mark.model
def test_a_run_that_is_out_of_time_stops_at_a_checkpoint_and_goes_on_later(
    corpus: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = _arguments(corpus, output, tiny_model)
    assert main([*arguments, "--max-run-minutes=0.0001"]) == TIME_IS_UP
    log = capsys.readouterr().out
    assert "stopped at the checkpoint of step 1/6, because --max-run-minutes is 0.0001" in log
    assert not (output / "result.json").exists()

    assert main(arguments) == 0
    assert "resuming from checkpoint of step 1" in capsys.readouterr().out
    assert _result(output)["kept"] == "base"


@pytest.mark.model
def test_a_model_that_answers_no_better_is_not_kept(
    corpus: Path, tmp_path: Path, tiny_model: Path
) -> None:
    output = tmp_path / "out"
    assert main(_arguments(corpus, output, tiny_model)) == 0
    result = _result(output)
    assert result["kept"] == "base"
    assert result["reason"].startswith("tuning did not help")
    assert (result["files"], result["model_version"]) == ({}, "")
    assert not (output / "adapter").exists()


@pytest.mark.model
def test_full_tuning_writes_a_whole_model(
    corpus: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _keep_tuned(monkeypatch)
    output = tmp_path / "out"
    assert main(_arguments(corpus, output, tiny_model, method="full")) == 0
    result = _result(output)
    assert result["model_prefix"] == "model/"
    assert {"model/model.safetensors", "model/tokenizer.json"} <= set(result["files"])
    assert not (output / "adapter").exists()
    assert result["test"]["tuned"]["loss"] < result["test"]["base"]["loss"]


@pytest.mark.model
def test_two_workers_under_torchrun_train_together(
    corpus: Path, tmp_path: Path, tiny_model: Path
) -> None:
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
    arguments = _arguments(corpus, output, tiny_model, per_device_train_batch_size=2)
    done = subprocess.run(
        _command(arguments, *launcher),
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    assert "2 worker(s)" in done.stdout
    assert done.stdout.count("step 6/6") == 1
    assert set(_result(output)["test"]["tuned"]) == MEASURES
    assert len(json.loads((output / "metrics.json").read_text())["answers"]["test"]) == 5
    # The same as of one worker with as many examples in each step.
    assert main(_arguments(corpus, tmp_path / "one", tiny_model)) == 0
    assert _result(output)["test"]["tuned"]["loss"] == pytest.approx(
        _result(tmp_path / "one")["test"]["tuned"]["loss"], abs=0.02
    )


@pytest.mark.model
def test_too_few_questions_keep_the_base_and_say_why(
    bare_corpus: Path, tmp_path: Path, tiny_model: Path
) -> None:
    output = tmp_path / "out"
    assert main(_arguments(bare_corpus, output, tiny_model)) == 0
    result = _result(output)
    assert result["kept"] == "base"
    assert result["reason"].startswith("0 questions to train on and 0 held out")


@pytest.mark.model
def test_an_example_that_is_too_long_is_left_out_and_named(
    corpus: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(corpus, tmp_path / "out", tiny_model, max_length=64)) == 0
    log = capsys.readouterr().out
    assert "tokens, and --max-length is 64" in log
    assert _result(tmp_path / "out")["reason"].startswith("0 questions to train on")


@pytest.mark.model
def test_qlora_without_a_gpu_is_refused_before_any_work(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    arguments = _arguments(corpus, tmp_path / "out", "hf:Qwen/Qwen3-8B", method="qlora")
    assert main(arguments) == 2
    assert capsys.readouterr().err == (
        "train_llm: --method is 'qlora', which needs a GPU, and there is no GPU here. Use lora or "
        "full, or a machine with a GPU.\n"
    )
    assert not (tmp_path / "out").exists()


def test_what_model_studio_would_refuse_is_refused_before_any_work(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = _arguments(corpus, tmp_path / "out", "hf:Qwen/Qwen3-8B", lora_r=12)
    assert main([*arguments, "--target=model-studio"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("train_llm: --lora-r is 12, and Model Studio does not import")
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_reported_in_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(corpus, tmp_path / "out", "no-such-model")) == 2
    error = capsys.readouterr().err
    assert error.startswith("train_llm: language model 'no-such-model' is not known")
    assert error.count("\n") == 1


def test_an_empty_corpus_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    assert main(_arguments(tmp_path, tmp_path / "out", "smollm2-135m-instruct")) == 2
    assert "has no documents" in capsys.readouterr().err
