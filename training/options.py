"""The settings of one tuning of the embedding model, and their command line.

Owns names and defaults. The names are transformers' names if it has one. Does not own bounds
(`training.bounds`). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from rag.models import DIMENSIONS
from rag.readers.options import ReadOptions
from rag.token_form import TokenForm
from training.bounds import (
    BOUNDS,
    DEFAULT_LIBTORCH_VERSION,
    LIBTORCH_VERSIONS,
    NO_TORCHSCRIPT,
)

__all__ = ["PRECISIONS", "Options", "SettingsError", "option", "parse_options", "refuse"]

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_LIBTORCH = (*LIBTORCH_VERSIONS, NO_TORCHSCRIPT)


class SettingsError(ValueError):
    """A setting is not valid; the message has the option, its value and what is allowed."""


def option(default: Any, description: str) -> Any:
    """Return a field with its default and the help of its option."""
    return field(default=default, metadata={"help": description})


@dataclass(frozen=True, kw_only=True)
class Options:
    """One tuning; each field is an option of `python -m training.train_embedding`.

    The defaults of the tuning itself were chosen on a validation split of covid-qa's train split;
    docs/explanation/training.md has the figures.
    """

    corpus_dir: str = field(metadata={"help": "folder with docs/ and optionally questions.jsonl"})
    output_dir: str = field(
        metadata={"help": "folder for model/, torchscript/, checkpoints/ and result.json"}
    )
    base_model: str = option("all-MiniLM-L6-v2", "model to start from, as in rag.models")
    base_model_dir: str = option("", "folder with the files of --base-model; empty: fetch them")
    dimension: int = option(384, f"components of an embedding, one of {DIMENSIONS}")
    num_train_epochs: float = option(6.0, "passes over the pairs")
    learning_rate: float = option(7e-5, "peak learning rate")
    per_device_train_batch_size: int = option(32, "pairs per worker and step, 2 or more")
    hard_negatives: int = option(1, "mined negatives per pair, 0 or more")
    skip_hardest: int = option(
        3, "hardest candidates to skip, because they may be unmarked answers"
    )
    warmup_ratio: float = option(0.1, "share of the steps with a rising learning rate")
    weight_decay: float = option(0.01, "weight decay of AdamW")
    scale: float = option(20.0, "inverse temperature of the loss")
    token_dimension: int = option(
        96, "components of a token vector, for the late interaction; 0: no token vectors"
    )
    token_pooling: int = option(2, "tokens of a passage that share a token vector, on average")
    cross_encoder_epochs: float = option(
        0.0, "passes over the questions of a cross-encoder that reranks; 0: train none"
    )
    max_seq_length: int = option(256, "most tokens of a text, up to the model's limit")
    save_steps: int = option(0, "steps between checkpoints; 0: a fifth of the run, 10 to 200")
    min_pairs: int = option(16, "with fewer pairs than this, keep the base model")
    precision: str = option("auto", f"one of {', '.join(PRECISIONS)}")
    seed: int = option(42, "seed of every random choice")
    libtorch_version: str = option(
        DEFAULT_LIBTORCH_VERSION,
        f"libtorch of OpenSearch, for its zip of the model, one of {', '.join(_LIBTORCH)}",
    )
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
    def token_form(self) -> TokenForm | None:
        """The form of the token vectors to try; None for none."""
        if not self.token_dimension:
            return None
        return TokenForm(dimension=self.token_dimension, pooling=self.token_pooling)

    def __post_init__(self) -> None:
        if self.dimension not in DIMENSIONS:
            refuse("dimension", self.dimension, f"one of {', '.join(map(str, DIMENSIONS))}")
        if self.precision not in PRECISIONS:
            refuse("precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        if self.libtorch_version not in _LIBTORCH:
            refuse("libtorch_version", self.libtorch_version, f"one of {', '.join(_LIBTORCH)}")
        for entry in fields(self):
            bounds, value = BOUNDS.get(entry.name), getattr(self, entry.name)
            if bounds is not None and value not in bounds:
                refuse(entry.name, value, str(bounds))
        try:
            _ = self.read_options
        except ValueError as error:
            raise SettingsError(str(error)) from error


def refuse(name: str, value: object, allowed: str) -> NoReturn:
    """Raise the error of a setting that is not valid.

    Raises:
        SettingsError: Always.
    """
    raise SettingsError(f"--{name.replace('_', '-')} is {value!r}; it must be {allowed}")


def parse_options(argv: Sequence[str] | None) -> Options:
    """Return the options that the command line gives.

    Raises:
        SettingsError: A value out of bounds.
    """
    # Here, because transformers takes seconds to load and the configuration imports this module.
    from transformers import HfArgumentParser

    options_class: Any = Options
    parser: Any = HfArgumentParser(
        options_class,
        prog="python -m training.train_embedding",
        description="Tune the embedding model on a corpus; keep the tuned model if it is better.",
        epilog="--corpus-dir has docs/ and optionally questions.jsonl; --output-dir gets model/, "
        "torchscript/, checkpoints/, metrics.json and, last, result.json.",
    )
    options: Options
    (options,) = parser.parse_args_into_dataclasses(argv)
    return options
