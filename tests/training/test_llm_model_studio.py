"""What Model Studio's import refuses is refused before any training; not proved against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.llm.model_studio import ADAPTER_FILES, BASE_MODELS, RANKS, adapter_problems, problems
from training.llm.options import LlmOptions
from training.options import SettingsError


def _options(**changes: Any) -> LlmOptions:
    values = {"base_model": "modelscope:Qwen/Qwen3-8B", "target": "model-studio", **changes}
    return LlmOptions(corpus_dir="c", output_dir="o", **values)


@pytest.mark.parametrize("hub", ["hf", "modelscope"])
@pytest.mark.parametrize("base_model", BASE_MODELS)
def test_a_listed_base_model_is_accepted_with_every_rank(hub: str, base_model: str) -> None:
    for rank in RANKS:
        assert [*problems(base_model=f"{hub}:{base_model}", method="lora", rank=rank)] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_model": "smollm2-135m-instruct"}, "--base-model is 'smollm2-135m-instruct', and"),
        ({"base_model": "hf:Qwen/Qwen3-4B"}, "must be hf: or modelscope: followed by one of Qwen/"),
        ({"base_model": "Qwen/Qwen3-8B"}, "--base-model is 'Qwen/Qwen3-8B', and Model Studio"),
        ({"method": "full"}, "--method is 'full', and .* It must be one of lora, qlora. Change it"),
        ({"lora_r": 12}, "--lora-r is 12, and .* It must be one of 8, 16, 32, 64. Change it"),
    ],
)
def test_what_the_import_refuses_is_refused_with_what_to_change(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        _options(**changes)
    assert _options(**changes | {"target": "own"}).target == "own"


def test_every_reason_is_given_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        _options(base_model="hf:a/b", method="full", lora_r=3)
    message = str(raised.value)
    assert all(name in message for name in ("--base-model", "--method", "--lora-r"))


def _adapter(folder: Path, **changes: Any) -> Path:
    config = {"r": 16, "rank_pattern": {}, "modules_to_save": None, "target_modules": ["q_proj"]}
    (folder / ADAPTER_FILES[0]).write_text(json.dumps({**config, **changes}))
    (folder / ADAPTER_FILES[1]).write_bytes(b"")
    return folder


def test_an_adapter_of_linear_layers_is_accepted(tmp_path: Path) -> None:
    assert [*adapter_problems(_adapter(tmp_path))] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"r": 5}, "r is 5; it must be one of 8, 16, 32, 64."),
        ({"rank_pattern": {"q_proj": 8}}, "the rank must be the same in every layer"),
        ({"modules_to_save": ["lm_head"]}, "the adapter changes lm_head"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "the adapter changes embed_tokens"),
        ({"trainable_token_indices": [1]}, "the adapter changes single tokens"),
    ],
)
def test_an_adapter_with_another_form_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    (problem,) = adapter_problems(_adapter(tmp_path, **changes))
    assert message in problem


def test_other_files_beside_the_adapter_are_refused(tmp_path: Path) -> None:
    (_adapter(tmp_path) / "README.md").write_text("")
    (problem,) = adapter_problems(tmp_path)
    assert "must have exactly adapter_config.json and adapter_model.safetensors" in problem
