"""What Model Studio's import accepts of a tuned language model, as one table, and its checks.

Owns these facts. Pure: the script checks them before it reads a document, and a preview can read
the same table. Does not import anything into Model Studio.

The import takes LoRA adapters only: `adapter_model.safetensors` and `adapter_config.json`, alone in
a folder below the bucket's root, for a listed base model, with the same rank in every layer, and
with the vocabulary and the chat template of the base model. It does not say how the base model was
held in memory during the training, so QLoRA is accepted: its adapter has the same form. The import
also takes models that read images, which this project does not train.

Source: https://help.aliyun.com/zh/model-studio/ (import of models, read 2026-05)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ADAPTER_FILES", "BASE_MODELS", "METHODS", "RANKS", "adapter_problems", "problems"]

BASE_MODELS = (
    "Qwen/Qwen3-32B",
    "Qwen/Qwen3-14B",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-4B-Instruct-2507",
    "Qwen/Qwen2.5-72B-Instruct",
    "Qwen/Qwen2.5-32B-Instruct",
    "Qwen/Qwen2.5-14B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
)
"""Base models of text, by their repository on Hugging Face and ModelScope."""
RANKS = (8, 16, 32, 64)
METHODS = ("lora", "qlora")
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")

_VOCABULARY = ("embed_tokens", "lm_head")
"""Modules whose change would be one of the vocabulary."""


def problems(*, base_model: str, method: str, rank: int) -> Iterator[str]:
    """Yield a sentence for each setting that the import would refuse.

    Args:
        base_model: Its name, as `rag.language_models` takes it.
        method: One of `training.bounds.LLM_METHODS`.
        rank: Rank of the adapter in every layer.
    """
    hub, _, repository = base_model.partition(":")
    if hub not in ("hf", "modelscope") or repository not in BASE_MODELS:
        yield (
            f"--base-model is {base_model!r}, and Model Studio imports adapters of other base "
            f"models. It must be hf: or modelscope: followed by one of {', '.join(BASE_MODELS)}. "
            f"Give --base-model-dir if you have its files, or use --target own."
        )
    if method not in METHODS:
        yield (
            f"--method is {method!r}, and Model Studio imports LoRA adapters only, no whole "
            f"models. It must be one of {', '.join(METHODS)}. Change it, or use --target own."
        )
    if rank not in RANKS:
        yield (
            f"--lora-r is {rank}, and Model Studio does not import adapters of that rank. It must "
            f"be one of {', '.join(map(str, RANKS))}. Change it, or use --target own."
        )


def adapter_problems(folder: Path) -> Iterator[str]:
    """Yield a sentence for each thing in a written adapter that the import would refuse."""
    names = tuple(sorted(path.name for path in folder.iterdir()))
    if names != ADAPTER_FILES:
        yield (
            f"{folder} has {', '.join(names) or 'no files'}; it must have exactly "
            f"{' and '.join(ADAPTER_FILES)}. Remove the others."
        )
    if ADAPTER_FILES[0] not in names:
        return
    config = json.loads((folder / ADAPTER_FILES[0]).read_bytes())
    if config.get("r") not in RANKS:
        yield f"r is {config.get('r')!r}; it must be one of {', '.join(map(str, RANKS))}."
    if config.get("rank_pattern"):
        yield (
            f"rank_pattern is {config['rank_pattern']}; it must be empty, because the rank must be "
            f"the same in every layer."
        )
    whole = config.get("modules_to_save") or []
    targets = config.get("target_modules") or []
    changed = sorted({*whole, *(name for name in targets if name in _VOCABULARY)})
    if changed or config.get("trainable_token_indices"):
        yield (
            f"the adapter changes {', '.join(changed) or 'single tokens'}; it must change linear "
            f"layers only, because the vocabulary must be the base model's."
        )
