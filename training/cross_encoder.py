"""The training of the cross-encoder, which reads a question and a window together.

Owns the model's form, its loss and its training. Does not own the rows (`training.cross_batches`),
the checkpoints (`training.trainer`), or whether it is worth its time (`training.rerank_weight`).

It starts from the tuned embedding model, which knows the corpus' words: the same layers and
pooling, and one new layer that makes a score of the pooled state. 506
questions were enough for a gain on covid-qa.

https://sbert.net/docs/cross_encoder/loss_overview.html (read 2026-12)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Dense
from sentence_transformers.cross_encoder.trainer import CrossEncoderTrainer
from sentence_transformers.cross_encoder.training_args import CrossEncoderTrainingArguments
from sentence_transformers.util import batch_to_device
from torch import nn

from training.batches import BatchPlan
from training.trainer import (
    Sealed,
    Tuning,
    dataset_of,
    drop_attention_dropout,
    fit,
    training_arguments,
)
from training.workers import Workers

__all__ = ["BATCH_SIZE", "NEGATIVES", "cross_encoder_of", "train_cross_encoder"]

BATCH_SIZE = 8
"""Questions per worker and step."""
NEGATIVES = 5
"""Windows without the answer that a question is shown beside one that has it."""
_MAX_TOKENS = 192
"""Of a question with a window, of 320 characters or a little more, its title and its heading. A
batch is as long as its longest pair."""
_HEAD_RATE = 10.0
"""How much faster the new layer learns than the layers that were trained before."""


def cross_encoder_of(model: SentenceTransformer) -> CrossEncoder:
    """Return an untrained cross-encoder with the layers and the pooling of an embedding model.

    It shares their weights: save the embedding model before.
    """
    dimension = int(model.get_embedding_dimension() or 0)
    score = Dense(
        dimension,
        1,
        bias=False,
        activation_function=nn.Identity(),
        module_output_name="scores",
    )
    made: CrossEncoder = CrossEncoder(
        # Without what follows the pooling in some models, a normalisation.
        modules=[model[0], model[1], score],
        device=str(model.device),
        activation_fn=nn.Identity(),
    )
    made.max_seq_length = min(model.max_seq_length or _MAX_TOKENS, _MAX_TOKENS)
    return made


def train_cross_encoder(
    model: CrossEncoder,
    plan: BatchPlan,
    tuning: Tuning,
    workers: Workers,
    checkpoints: Path,
    fingerprint: str,
    report: Callable[[str], None],
) -> list[dict[str, float]]:
    """Train `model` in place, starting from the last complete checkpoint.

    Args:
        model: As from `cross_encoder_of`.
        plan: What to train on; the same on every worker, at least one step.
        tuning: The settings of the loop.
        workers: This worker and the others.
        checkpoints: Folder for checkpoints.
        fingerprint: Of data and settings; checkpoints with another one are not used.
        report: Receives progress lines.

    Returns:
        The loss as logged: `step` and `loss` of each line.
    """
    drop_attention_dropout(model)
    trainer = _Trainer(
        model=model,
        args=training_arguments(
            CrossEncoderTrainingArguments,
            plan,
            tuning,
            workers,
            checkpoints,
            learning_rate_mapping={r"2\.linear\.": _HEAD_RATE * tuning.learning_rate},
        ),
        train_dataset=dataset_of(plan),
        loss=_ListLoss(model),
    )
    return fit(trainer, workers, fingerprint, report)


class _Trainer(Sealed, CrossEncoderTrainer):
    """The library's Trainer, with sealed checkpoints."""


class _ListLoss(nn.Module):
    """The softmax over a question's own windows: one has the answer, the others look like it.

    The library's loss of this kind always adds windows of other questions, and fails with several
    workers (sentence-transformers 6.2).

    Args:
        model: The model.
    """

    def __init__(self, model: CrossEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: list[list[str]], labels: torch.Tensor | None) -> torch.Tensor:
        """Return the loss of a batch: the questions, the windows with the answer, the others."""
        questions, *columns = inputs
        pairs = [pair for column in columns for pair in zip(questions, column, strict=True)]
        device = next(self.parameters()).device
        # Several workers find the tensors of an output in a dict, but not in the library's own.
        features = dict(batch_to_device(self.model.preprocess(pairs), device))
        scores = self.model(features)["scores"].float().view(len(columns), len(questions)).T
        first = scores.new_zeros(len(questions), dtype=torch.long)
        return nn.functional.cross_entropy(scores, first)
