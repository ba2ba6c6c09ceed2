"""The command line of the tuning of a language model."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any

import pytest

from rag.readers.options import ReadOptions
from training.bounds import LLM_BOUNDS
from training.job_specs import LlmSettings, PodSettings, train_llm_job
from training.llm.options import LlmOptions, parse_llm_options
from training.options import SettingsError


def _parse(*arguments: str) -> LlmOptions:
    return parse_llm_options(["--corpus-dir=c", "--output-dir=o", *arguments])


def test_every_field_is_an_option_with_its_default_and_help() -> None:
    assert _parse() == LlmOptions(corpus_dir="c", output_dir="o")
    assert all(entry.metadata["help"] for entry in fields(LlmOptions))


def test_every_bound_is_of_an_option() -> None:
    assert {*LLM_BOUNDS} < {entry.name for entry in fields(LlmOptions)}


def test_the_learning_rate_is_the_methods_own_unless_given() -> None:
    assert _parse().peak_learning_rate == 2e-4
    assert _parse("--method", "full").peak_learning_rate == 2e-5
    assert _parse("--learning-rate", "1e-3").peak_learning_rate == 1e-3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "dora"}, "--method is 'dora'; it must be one of lora, qlora, full"),
        ({"target": "eas"}, "--target is 'eas'; it must be one of own, model-studio"),
        ({"precision": "int8"}, "--precision is 'int8'; it must be one of auto, fp32, bf16, fp16"),
        ({"lora_r": 0}, "--lora-r is 0; it must be from 1 to 512"),
        ({"num_train_epochs": 0}, "--num-train-epochs is 0; it must be over 0 and at most 100"),
        ({"answer_questions": 4}, "--answer-questions is 4; it must be at least 5"),
        ({"max_run_minutes": -1}, "--max-run-minutes is -1; it must be at least 0"),
        ({"encoding": ["docs/old=nonsense"]}, "must be an encoding that Python knows"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_what_is_allowed(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        LlmOptions(corpus_dir="c", output_dir="o", **changes)


def test_the_script_accepts_the_command_of_the_job() -> None:
    given = ReadOptions(encodings={"docs/two words": "big5"}, ocr=True, ocr_languages=("jpn",))
    settings = LlmSettings(
        pods=PodSettings(ecs_spec="ecs.gn7i-c8g1.2xlarge", image="i"),
        base_model="modelscope:Qwen/Qwen3-8B",
        method="qlora",
        target="model-studio",
        lora_r=32,
        learning_rate=1e-4,
        max_run_minutes=30,
        read_options=given,
    )
    command = train_llm_job(settings, "oss://b/c.zip", "oss://b/c/", "oss://b/o/").user_command
    options = _parse(*shlex.split(command.partition("training.train_llm")[2]))
    assert (options.method, options.target, options.lora_r) == ("qlora", "model-studio", 32)
    assert (options.learning_rate, options.max_run_minutes) == (1e-4, 30)
    assert options.read_options == given
