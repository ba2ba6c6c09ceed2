"""The settings of one tuning of a language model, and their command line.

Owns names and defaults. The names follow transformers and PEFT. Does not own
bounds (`training.bounds`) or what Model Studio accepts (`training.llm.model_studio`). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from rag.readers.options import ReadOptions
from training.bounds import LLM_BOUNDS, LLM_METHODS, LLM_TARGETS
from training.llm.model_studio import problems
from training.options import PRECISIONS, SettingsError, option, refuse

__all__ = ["LlmOptions", "parse_llm_options"]


@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    """One tuning; each field is an option of `python -m training.train_llm`."""

    corpus_dir: str = field(metadata={"help": "folder with docs/ and questions.jsonl"})
    output_dir: str = field(
        metadata={"help": "folder for the data, adapter/ or model/, checkpoints/ and result.json"}
    )
    base_model: str = option(
        "smollm2-135m-instruct", "model to start from, as in rag.language_models"
    )
    base_model_dir: str = option("", "folder with the files of --base-model; empty: fetch them")
    method: str = option(
        "lora",
        "lora: an adapter; qlora: an adapter on a base model of 4 bits, needs a GPU; full: all "
        "weights",
    )
    target: str = option(
        "own", "own: the stack's own endpoint; model-studio: only what its import accepts"
    )
    lora_r: int = option(16, "rank of the adapter, the same in every layer")
    lora_alpha: int = option(32, "the adapter counts lora_alpha / lora_r times")
    lora_dropout: float = option(0.0, "dropout of the adapter's input")
    num_train_epochs: float = option(2.0, "passes over the examples")
    learning_rate: float = option(0.0, "peak learning rate; 0: 2e-4, or 2e-5 for --method full")
    per_device_train_batch_size: int = option(4, "examples per worker and pass of the model")
    gradient_accumulation_steps: int = option(1, "passes of the model per step")
    warmup_ratio: float = option(0.1, "share of the steps with a rising learning rate")
    weight_decay: float = option(0.0, "weight decay of AdamW")
    max_length: int = option(2048, "most tokens of an example; longer ones are skipped")
    max_examples: int = option(0, "train on at most this many examples; 0: all")
    min_examples: int = option(16, "with fewer examples than this, keep the base model")
    answer_questions: int = option(40, "questions of each split to answer before and after")
    save_steps: int = option(0, "steps between checkpoints; 0: a fifth of the run, 10 to 200")
    max_run_minutes: float = option(
        0.0, "stop at a checkpoint after this many minutes, with status 3; 0: no limit"
    )
    precision: str = option("auto", f"one of {', '.join(PRECISIONS)}")
    seed: int = option(42, "seed of every random choice")
    encoding: list[str] = field(
        default_factory=list,
        metadata={"help": "FOLDER=ENCODING of text files; repeatable", "action": "extend"},
    )
    ocr: bool = option(False, "recognise pages that are images by Tesseract")
    ocr_language: list[str] = field(
        default_factory=list,
        metadata={"help": "language of OCR, as Tesseract names it", "action": "extend"},
    )

    @property
    def read_options(self) -> ReadOptions:
        """How documents are read."""
        return ReadOptions.of(encoding=self.encoding, ocr=self.ocr, ocr_language=self.ocr_language)

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate, or the method's own if none is given."""
        # LoRA's is the one of its paper's larger runs and of PEFT's examples; not tuned here.
        return self.learning_rate or (2e-5 if self.method == "full" else 2e-4)

    def __post_init__(self) -> None:
        closed = {"method": LLM_METHODS, "target": LLM_TARGETS, "precision": PRECISIONS}
        for name, allowed in closed.items():
            if getattr(self, name) not in allowed:
                refuse(name, getattr(self, name), f"one of {', '.join(allowed)}")
        for entry in fields(self):
            bounds, value = LLM_BOUNDS.get(entry.name), getattr(self, entry.name)
            if bounds is not None and value not in bounds:
                refuse(entry.name, value, str(bounds))
        if self.target == "model-studio":
            wrong = list(problems(base_model=self.base_model, method=self.method, rank=self.lora_r))
            if wrong:
                raise SettingsError(" ".join(wrong))
        try:
            _ = self.read_options
        except ValueError as error:
            raise SettingsError(str(error)) from error


def parse_llm_options(argv: Sequence[str] | None) -> LlmOptions:
    """Return the options that the command line gives.

    Raises:
        SettingsError: A value out of bounds, or one that Model Studio's import would refuse.
    """
    # Here, because transformers takes seconds to load.
    from transformers import HfArgumentParser

    options_class: Any = LlmOptions
    parser: Any = HfArgumentParser(
        options_class,
        prog="python -m training.train_llm",
        description="Tune a language model on a corpus' questions; keep it if it answers better.",
        epilog="--output-dir gets data.jsonl, validation.jsonl, adapter/ or model/, checkpoints/, "
        "metrics.json and, last, result.json.",
    )
    options: LlmOptions
    (options,) = parser.parse_args_into_dataclasses(argv)
    return options
