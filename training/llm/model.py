"""The language model of a tuning: loading, tokens, the form of the adapter.

Owns the arguments that transformers and PEFT get. Does not own its name and its files
(`rag.language_models`), the loop (`training.llm.loop`), or the measures (`training.llm.measure`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

from rag.language_models import Weights
from training.llm.examples import Example, Message
from training.llm.options import LlmOptions
from training.options import SettingsError
from training.workers import Workers

__all__ = ["Tokens", "check_qlora", "load_model", "load_tokenizer", "lora_config", "tokens_of"]

IGNORED = -100
"""Label of a token that has no loss, as torch has it."""

# Qwen3's template then writes an empty thought before the answer, as the application's requests get
# it. Other templates ignore the word.
_TEMPLATE = {"enable_thinking": False}


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """One example in tokens.

    Attributes:
        prompt: What the model reads, up to where the answer starts.
        whole: The prompt and the answer, with the end of the turn.
    """

    prompt: list[int]
    whole: list[int]

    @property
    def labels(self) -> list[int]:
        """The tokens to learn; those of the prompt have no loss."""
        return [IGNORED] * len(self.prompt) + self.whole[len(self.prompt) :]


def check_qlora(weights: Weights) -> None:
    """Check that QLoRA can run here.

    Raises:
        SettingsError: There is no GPU, bitsandbytes is not installed, or the weights are a GGUF.
    """
    if not torch.cuda.is_available():
        raise SettingsError(
            "--method is 'qlora', which needs a GPU, and there is no GPU here. Use lora or full, "
            "or a machine with a GPU."
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise SettingsError(
            "--method is 'qlora', which needs the Python package 'bitsandbytes'. Run: pip install "
            "bitsandbytes, or use lora."
        )
    if weights.gguf_file is not None:
        raise SettingsError(
            f"--method is 'qlora', which quantises weights itself, and the base model is the GGUF "
            f"{weights.gguf_file}. Use lora, or a model whose weights are safetensors."
        )


def load_tokenizer(weights: Weights) -> Any:
    """Return the model's tokenizer.

    Raises:
        SettingsError: It has no chat template.
    """
    tokenizer = AutoTokenizer.from_pretrained(weights.path, **_gguf(weights))
    if not tokenizer.chat_template:
        raise SettingsError(
            f"the base model {weights.repository} has no chat template, so it cannot be asked "
            f"questions. Use a model that was tuned to follow instructions."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(weights: Weights, method: str, workers: Workers) -> Any:
    """Return the base model on the worker's device, in evaluation mode.

    Weights that stay as they are, below an adapter, are bf16 on a GPU with bf16. Those that are
    trained are float32, because small steps get lost in the three digits of bf16.
    """
    options: dict[str, Any] = {"dtype": torch.float32, **_gguf(weights)}
    if not workers.use_cpu and workers.precision == "bf16" and method != "full":
        options["dtype"] = torch.bfloat16
    if method == "qlora":
        options |= _four_bits(workers)
    model: Any = AutoModelForCausalLM.from_pretrained(weights.path, **options)
    if weights.gguf_file is not None:
        # transformers has dequantised the weights, and still refuses to train them.
        for name in ("hf_quantizer", "quantization_method", "is_quantized"):
            model.__dict__.pop(name, None)
        model.config.__dict__.pop("quantization_config", None)
    if method != "qlora":
        model.to(workers.device)
    return model.eval()


def lora_config(options: LlmOptions) -> Any:
    """Return the adapter: the same rank on every linear layer but the output's."""
    return LoraConfig(
        r=options.lora_r,
        lora_alpha=options.lora_alpha,
        lora_dropout=options.lora_dropout,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )


def tokens_of(
    examples: Sequence[Example], tokenizer: Any, max_length: int, report: Callable[[str], None]
) -> list[tuple[Example, Tokens]]:
    """Return the examples with their tokens, without those that are too long.

    Args:
        examples: The examples.
        tokenizer: The model's.
        max_length: Most tokens of an example. A longer one is left out, not cut, because a cut one
            has no answer.
        report: Receives a line for each example that is left out.

    Raises:
        SettingsError: The chat template writes another prompt once there is an answer.
    """
    kept = []
    for example in examples:
        prompt = _tokens(tokenizer, example.prompt, add_generation_prompt=True)
        whole = _tokens(tokenizer, example.messages())
        if whole[: len(prompt)] != prompt:
            raise SettingsError(
                "the chat template of the base model writes another prompt once there is an "
                "answer, so the answer's tokens cannot be found. Use another base model."
            )
        if len(whole) > max_length:
            report(
                f"skipped: question {example.question!r}: its example has {len(whole)} tokens, and "
                f"--max-length is {max_length}"
            )
            continue
        kept.append((example, Tokens(prompt=prompt, whole=whole)))
    return kept


def _tokens(tokenizer: Any, messages: Iterable[Message], **options: Any) -> list[int]:
    ids = tokenizer.apply_chat_template(
        list(messages), tokenize=True, return_dict=False, **_TEMPLATE, **options
    )
    return [int(token) for token in ids]


def _gguf(weights: Weights) -> dict[str, str]:
    return {} if weights.gguf_file is None else {"gguf_file": weights.gguf_file}


def _four_bits(workers: Workers) -> dict[str, Any]:
    """Return the quantisation of QLoRA (Dettmers et al., NeurIPS 2023)."""
    from transformers import BitsAndBytesConfig

    quantisation: Any = BitsAndBytesConfig
    compute = torch.bfloat16 if workers.precision == "bf16" else torch.float16
    return {
        "quantization_config": quantisation(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
        ),
        "device_map": {"": workers.device},
    }
