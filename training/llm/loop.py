"""The training of the language model: TRL's Trainer, with sealed checkpoints and a time limit.

Owns the loop's arguments and the limit. Does not own the tokens (`training.llm.model`), the seals
and the resumption (`training.trainer`), or the devices (`training.workers`).

https://huggingface.co/docs/trl/sft_trainer (read 2026-11)
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from training.llm.model import Tokens, lora_config
from training.llm.options import LlmOptions
from training.trainer import SealedTrainer, fit
from training.workers import Workers

__all__ = ["Trained", "steps_of", "train_model"]

# With an A10's 24 GB in mind (estimated, not measured): larger models recompute activations.
_LARGE_PARAMETERS = 500_000_000


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a training ended.

    Attributes:
        model: The tuned model; of PEFT for an adapter.
        losses: `step` and `loss` of each line of the log.
        step: The last step that was done.
        steps: The steps of the whole training.
    """

    model: Any
    losses: list[dict[str, float]]
    step: int
    steps: int

    @property
    def whole(self) -> bool:
        """Whether all steps were done before the time limit."""
        return self.step >= self.steps


def steps_of(examples: int, options: LlmOptions, workers: Workers) -> int:
    """Return the steps of a training on so many examples."""
    at_once = (
        options.per_device_train_batch_size
        * options.gradient_accumulation_steps
        * workers.world_size
    )
    return max(1, math.ceil(examples * options.num_train_epochs / at_once))


def train_model(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Tokens],
    options: LlmOptions,
    workers: Workers,
    *,
    base_model: str,
    checkpoints: Path,
    fingerprint: str,
    deadline: float | None,
    report: Callable[[str], None],
) -> Trained:
    """Train, starting from the last complete checkpoint.

    Args:
        model: The base model, on the worker's device.
        tokenizer: The model's.
        examples: What to train on; the same on every worker.
        options: The settings.
        workers: This worker and the others.
        base_model: What the adapter names as its base model.
        checkpoints: Folder for checkpoints.
        fingerprint: Of data and settings; checkpoints with another one are not used.
        deadline: `time.monotonic()` at which to stop at a checkpoint; None for no limit.
        report: Receives progress lines.
    """
    rows = [{"input_ids": row.whole, "labels": row.labels} for row in examples]
    steps = steps_of(len(rows), options, workers)
    with warnings.catch_warnings():
        # Of TRL 1.16, for a name that transformers 5 has replaced.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        trainer_class: Any = _Trainer
        trainer = trainer_class(
            model=model,
            args=_arguments(model, steps, options, workers, checkpoints),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=None if options.method == "full" else lora_config(options),
        )
    if options.method != "full":
        # The folder of a package or of a mount would mean nothing elsewhere.
        trainer.model.peft_config["default"].base_model_name_or_path = base_model
    if deadline is not None:
        trainer.add_callback(_Limit(steps, deadline, workers))
    losses = fit(trainer, workers, fingerprint, report)
    trained = trainer.accelerator.unwrap_model(trainer.model)
    return Trained(
        model=trained.eval(), losses=losses, step=int(trainer.state.global_step), steps=steps
    )


def _arguments(
    model: Any, steps: int, options: LlmOptions, workers: Workers, checkpoints: Path
) -> Any:
    large = sum(parameter.numel() for parameter in model.parameters()) >= _LARGE_PARAMETERS
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=steps,
        per_device_train_batch_size=options.per_device_train_batch_size,
        gradient_accumulation_steps=options.gradient_accumulation_steps,
        learning_rate=options.peak_learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=math.ceil(steps * options.warmup_ratio),
        weight_decay=options.weight_decay,
        max_grad_norm=1.0,
        bf16=workers.precision == "bf16",
        fp16=workers.precision == "fp16",
        use_cpu=workers.use_cpu,
        seed=options.seed,
        data_seed=options.seed,
        activation_checkpointing=large,
        # The rows have tokens and labels; longer ones were left out.
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        packing=False,
        save_strategy="steps",
        save_steps=options.save_steps or max(10, min(200, math.ceil(steps / 5))),
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=max(1, steps // 40),
        logging_first_step=True,
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=not workers.use_cpu,
        ddp_find_unused_parameters=False if workers.world_size > 1 else None,
    )


class _Trainer(SealedTrainer, SFTTrainer):  # type: ignore[misc]  # it has no types here
    """TRL's Trainer, with sealed checkpoints, and without a model card in each."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write no card."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        model: Any = self.model
        if not hasattr(model, "peft_config"):
            super()._save(output_dir, state_dict)
            return
        folder = Path(str(output_dir))
        # Otherwise PEFT asks the hub for the base model's vocabulary, which never changes here.
        model.save_pretrained(str(folder), state_dict=state_dict, save_embedding_layers=False)
        torch.save(self.args, folder / "training_args.bin")


class _Limit(TrainerCallback):
    """Saves a checkpoint and ends the training once the time is up."""

    def __init__(self, steps: int, deadline: float, workers: Workers) -> None:
        self._steps = steps
        self._deadline = deadline
        self._workers = workers

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # Worker 0's clock decides, so that all stop at the same step.
        if self._workers.from_main(time.monotonic() >= self._deadline):
            control.should_save = True
            control.should_training_stop = True
