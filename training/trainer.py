"""What the trainings have in common: batches in a given order, sealed checkpoints, progress lines.

Owns these, the arguments of the library's Trainer, and the resumption. Does not own models, losses
or data (`training.tuning`, `training.cross_encoder`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.base.trainer import BaseTrainer
from sentence_transformers.base.training_args import BaseTrainingArguments
from transformers import PrinterCallback, Trainer, TrainerCallback

from training.batches import BatchPlan
from training.checkpoints import last_complete, seal
from training.options import Options
from training.workers import Workers

__all__ = [
    "Sealed",
    "SealedTrainer",
    "Tuning",
    "dataset_of",
    "drop_attention_dropout",
    "fit",
    "training_arguments",
    "tuning_of",
]

_Arguments = TypeVar("_Arguments", bound=BaseTrainingArguments)


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The settings of the training loop.

    Attributes:
        learning_rate: Peak learning rate; rises over the first `warmup_ratio` of the steps, then
            falls linearly to 0.
        warmup_ratio: Share of the steps, 0 to 1.
        weight_decay: AdamW's.
        scale: Inverse temperature of the loss.
        token_dimension: Components of a token vector that its loss compares; 0 trains embeddings
            alone.
        save_steps: Steps between checkpoints, at least 1; the last step always makes one.
        seed: Of dropout.
    """

    learning_rate: float
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01
    scale: float = 20.0
    token_dimension: int
    save_steps: int
    seed: int


def tuning_of(options: Options, steps: int) -> Tuning:
    """Return the settings of a loop of so many steps from the job's."""
    return Tuning(
        learning_rate=options.learning_rate,
        warmup_ratio=options.warmup_ratio,
        weight_decay=options.weight_decay,
        scale=options.scale,
        # All of them: the first ones alone are as good, and so is any other part.
        token_dimension=options.dimension if options.token_dimension else 0,
        save_steps=options.save_steps or max(10, min(200, math.ceil(steps / 5))),
        seed=options.seed,
    )


def training_arguments(
    kind: type[_Arguments],
    plan: BatchPlan,
    tuning: Tuning,
    workers: Workers,
    checkpoints: Path,
    **more: Any,
) -> _Arguments:
    """Return the arguments of a Trainer that takes the rows of a plan in their order.

    Args:
        kind: The Trainer's class of arguments.
        plan: What to train on.
        tuning: The settings.
        workers: This worker and the others.
        checkpoints: Folder for checkpoints.
        more: Further arguments.
    """
    return kind(
        output_dir=str(checkpoints),
        max_steps=plan.steps,
        per_device_train_batch_size=plan.batch_size,
        batch_sampler=_InOrder,
        learning_rate=tuning.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(plan.steps * tuning.warmup_ratio),
        weight_decay=tuning.weight_decay,
        bf16=workers.precision == "bf16",
        fp16=workers.precision == "fp16",
        use_cpu=workers.use_cpu,
        seed=tuning.seed,
        data_seed=tuning.seed,
        save_strategy="steps",
        save_steps=tuning.save_steps,
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=max(1, plan.steps // 40),
        logging_first_step=True,
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=not workers.use_cpu,
        **more,
    )


def dataset_of(plan: BatchPlan) -> Dataset:
    """Return the rows of a plan: a question, its passage and the negatives in each."""
    columns: dict[str, Sequence[str]] = {
        "anchor": [row.query for row in plan.rows],
        "positive": [row.positive for row in plan.rows],
    }
    for i in range(len(plan.rows[0].negatives)):
        columns[f"negative_{i + 1}"] = [row.negatives[i] for row in plan.rows]
    return Dataset.from_dict(columns)


class SealedTrainer(Trainer):
    """Seals complete checkpoints."""

    fingerprint = ""

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        # Every worker writes its own file into the checkpoint.
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
            seal(folder, self.fingerprint)


class Sealed(SealedTrainer, BaseTrainer):
    """Seals complete checkpoints; writes no model card, because that would tokenize all data."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add no callback."""


def fit(
    trainer: SealedTrainer, workers: Workers, fingerprint: str, report: Callable[[str], None]
) -> list[dict[str, float]]:
    """Train, starting from the last complete checkpoint.

    Args:
        trainer: The trainer.
        workers: This worker and the others.
        fingerprint: Of data and settings; checkpoints with another one are not used.
        report: Receives progress lines.

    Returns:
        The loss as logged: `step` and `loss` of each line.
    """
    checkpoints = Path(str(trainer.args.output_dir))
    last = last_complete(checkpoints, fingerprint) if workers.is_main else None
    last = workers.from_main(last)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Progress(trainer.args.max_steps, report))
    trainer.fingerprint = fingerprint
    if last is not None:
        report(f"resuming from {last.name.replace('-', ' of step ')}")
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return [
        {"step": entry["step"], "loss": entry["loss"]}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]


def drop_attention_dropout(model: torch.nn.Module) -> None:
    """Turn off dropout of attention weights; dropout of hidden states stays.

    With it torch cannot fuse attention on a CPU and keeps every layer's attention matrices: a
    step of 32 pairs with a hard negative each took 18 instead of 11 CPU seconds, and 7.7 instead of
    3.7 GB (all-MiniLM-L6-v2, 256 tokens, bf16).
    """
    for module in model.modules():
        if "Attention" in type(module).__name__:
            dropout = getattr(module, "dropout", None)
            if isinstance(dropout, torch.nn.Dropout):
                dropout.p = 0.0
            if isinstance(getattr(module, "attention_dropout", None), float):
                module.__dict__["attention_dropout"] = 0.0


class _InOrder(DefaultBatchSampler):
    """The plan's batches in order: the plan has the order of all epochs."""

    def __iter__(self) -> Iterator[list[int]]:
        rows = len(self.sampler)  # type: ignore[arg-type]  # the library passes the dataset
        for start in range(0, rows, self.batch_size):
            yield list(range(start, min(start + self.batch_size, rows)))


class _Progress(TrainerCallback):
    """Prints `step 120/300 loss 0.41 eta 65s`, and saves a checkpoint at the last step."""

    def __init__(self, steps: int, report: Callable[[str], None]) -> None:
        self._steps = steps
        self._report = report
        self._started = 0.0
        self._first = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._started = time.monotonic()
        self._first = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= self._steps:
            control.should_save = True

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        if not state.is_world_process_zero or not logs or "loss" not in logs:
            return
        done = state.global_step - self._first
        elapsed = time.monotonic() - self._started
        eta = elapsed / done * (self._steps - state.global_step) if done else 0.0
        self._report(
            f"step {state.global_step}/{self._steps} loss {logs['loss']:.3f} eta {eta:.0f}s"
        )
