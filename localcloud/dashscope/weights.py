"""From a GGUF file to weights that load in a second.

Owns: dequantising a model once into the cache of the machine (safetensors in bfloat16, the
tokenizer, what decides the computation). It does not run the model.

transformers reads the GGUF file; that takes half a minute and 1.5 GB of memory, so it happens in
a process of its own, once per machine, and the server never imports transformers.

Usage: ``python -m localcloud.dashscope.weights MODEL [--cache DIR]``.

Source: https://huggingface.co/docs/transformers/gguf (read 2026-11).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from localcloud.dashscope.models import MODELS, ServedModel, WeightsError, weights_file

__all__ = ["default_cache", "main", "prepared"]

_VERSION: Final = 1
_CONVERT_TIMEOUT_SECONDS: Final = 1200
_CONFIGURATION: Final = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "rms_norm_eps",
    "vocab_size",
)
_REPOSITORY: Final = Path(__file__).resolve().parents[2]


def default_cache() -> Path:
    """The folder that keeps what is made once per machine."""
    own = os.environ.get("CUSTOMRAG_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "customrag"


def prepared(model: ServedModel, cache: Path | None = None) -> Path:
    """The folder with the model ready to load; made first when it is not there.

    Returns:
        A folder with ``model.safetensors``, ``tokenizer.json`` and ``model.json``.

    Raises:
        WeightsError: The weights are missing or cannot be converted; with the reason.
    """
    target = _target(model, cache)
    if not target.is_dir():
        _convert_in_subprocess(model, target)
    return target


def _target(model: ServedModel, cache: Path | None) -> Path:
    size = weights_file(model).stat().st_size
    return (cache or default_cache()) / f"{model.model_id}-{size}-v{_VERSION}"


def _convert_in_subprocess(model: ServedModel, target: Path) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "localcloud.dashscope.weights",
            model.model_id,
            "--cache",
            str(target.parent),
        ],
        cwd=_REPOSITORY,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_CONVERT_TIMEOUT_SECONDS,
        check=False,
    )
    if answer.returncode != 0 or not target.is_dir():
        tail = "\n".join((answer.stdout + answer.stderr).splitlines()[-5:])
        raise WeightsError(
            f"the weights of {model.model_id} could not be converted (exit code "
            f"{answer.returncode}):\n{tail}"
        )


def _convert(model: ServedModel, target: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = weights_file(model)
    where: dict[str, Any] = {"gguf_file": source.name}
    tokenizer = AutoTokenizer.from_pretrained(source.parent, **where)
    loaded = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.bfloat16, **where)
    configuration = loaded.config
    if configuration.model_type != "llama" or not configuration.tie_word_embeddings:
        raise WeightsError(
            f"{source.name} is a {configuration.model_type!r} model (tied embeddings: "
            f"{configuration.tie_word_embeddings}); only tied llama models are served"
        )
    description = {name: getattr(configuration, name) for name in _CONFIGURATION}
    description["rope_theta"] = configuration.rope_parameters["rope_theta"]
    description["chat_template"] = tokenizer.chat_template
    description["stop_token_ids"] = sorted({tokenizer.eos_token_id, tokenizer.pad_token_id})
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as work:
        folder = Path(work) / target.name
        folder.mkdir()
        tensors = {
            name: tensor.contiguous()
            for name, tensor in loaded.state_dict().items()
            if name != "lm_head.weight"
        }
        save_file(tensors, folder / "model.safetensors")
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "model.json").write_text(json.dumps(description, indent=2), "utf-8")
        if not target.is_dir():
            folder.rename(target)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.dashscope.weights")
    parser.add_argument("model", choices=sorted(MODELS))
    parser.add_argument("--cache", type=Path, default=None, help="default: the user's cache")
    options = parser.parse_args(arguments)
    model = MODELS[options.model]
    target = _target(model, options.cache)
    if not target.is_dir():
        _convert(model, target)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
