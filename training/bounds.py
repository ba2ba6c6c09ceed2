"""What each training setting may be: one table for the configuration, the job's plan and the job.

Owns bounds and closed sets. Pure: `stack_config` reads it at preview, before anything exists. Does
not own defaults (`training.options`, `training.llm.options`), whose options have the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "BOUNDS",
    "CROSS_ENCODER_EPOCHS",
    "DEFAULT_LIBTORCH_VERSION",
    "LIBTORCH_VERSIONS",
    "LLM_BOUNDS",
    "LLM_METHODS",
    "LLM_TARGETS",
    "NO_TORCHSCRIPT",
    "Bounds",
]

LIBTORCH_VERSIONS = ("1.13.1", "2.5.1")
"""The libtorch of OpenSearch's ml-commons: 1.13.1 on 2.x, 2.5.1 from 3.0 on.

Source: `PYTORCH_VERSION` in ml-commons' `DLModel`, branches 2.19 and 3.0 (read 2026-11)."""
DEFAULT_LIBTORCH_VERSION = "2.5.1"
NO_TORCHSCRIPT = "none"
"""The value of `libtorch_version` with which no TorchScript is written."""


@dataclass(frozen=True)
class Bounds:
    """A range of numbers. NaN is in none.

    Attributes:
        lowest: The smallest number that is allowed.
        highest: The largest number that is allowed; None: there is no limit.
        over: Whether `lowest` itself is excluded.
    """

    lowest: float
    highest: float | None = None
    over: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.lowest if self.over else value >= self.lowest
        return above and (self.highest is None or value <= self.highest)

    def __str__(self) -> str:
        if self.over:
            rest = "" if self.highest is None else f" and at most {self.highest}"
            return f"over {self.lowest}{rest}"
        if self.highest is None:
            return f"at least {self.lowest}"
        return f"from {self.lowest} to {self.highest}"


CROSS_ENCODER_EPOCHS = 4
"""Passes of a cross-encoder's training, where one is asked for. With covid-qa's 506 questions the
loss falls from 1.8 to 0.2; other numbers were not tried."""

BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {
        "num_train_epochs": Bounds(0, 100, over=True),
        "learning_rate": Bounds(0, 0.01, over=True),
        # In-batch negatives: a pair alone in its batch has no negatives.
        "per_device_train_batch_size": Bounds(2),
        "hard_negatives": Bounds(0, 16),
        "skip_hardest": Bounds(0, 50),
        "warmup_ratio": Bounds(0, 1),
        "weight_decay": Bounds(0, 1),
        "scale": Bounds(0, 1000, over=True),
        "token_dimension": Bounds(0, 1024),
        "token_pooling": Bounds(1, 16),
        "cross_encoder_epochs": Bounds(0, 100),
        "max_seq_length": Bounds(16),
        "save_steps": Bounds(0),
        "min_pairs": Bounds(2),
        # numpy takes no larger seed.
        "seed": Bounds(0, 2**32 - 1),
        "pod_count": Bounds(1),
        "gpus_per_pod": Bounds(0, 8),
    }
)

LLM_METHODS = ("lora", "qlora", "full")
"""How a language model is tuned: an adapter, an adapter on a base model of 4 bits, all weights."""
LLM_TARGETS = ("own", "model-studio")
"""Where a tuned language model is served: the stack's own endpoint, or Model Studio's import."""

LLM_BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {
        "num_train_epochs": Bounds(0, 100, over=True),
        # 0 stands for the method's own.
        "learning_rate": Bounds(0, 0.01),
        "per_device_train_batch_size": Bounds(1),
        "gradient_accumulation_steps": Bounds(1, 1024),
        "warmup_ratio": Bounds(0, 1),
        "weight_decay": Bounds(0, 1),
        "lora_r": Bounds(1, 512),
        "lora_alpha": Bounds(1, 1024),
        "lora_dropout": Bounds(0, 0.9),
        "max_length": Bounds(64),
        "max_examples": Bounds(0),
        "min_examples": Bounds(1),
        # Fewer answers show nothing.
        "answer_questions": Bounds(5),
        "save_steps": Bounds(0),
        "max_run_minutes": Bounds(0),
        "seed": Bounds(0, 2**32 - 1),
    }
)
