"""The training of the embedding model: sentence-transformers' Trainer over a plan of batches.

Owns the losses. Does not own the data and its order (`training.batches`), the checkpoints
(`training.trainer`), or the devices (`training.workers`).

https://sbert.net/docs/package_reference/sentence_transformer/losses.html (read 2026-11)
Source of the late interaction's loss: Khattab and Zaharia, ColBERT, SIGIR 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util.similarity import maxsim
from transformers import PreTrainedModel

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

__all__ = ["tune"]

# A step of bge-m3 (568 million) with 96 texts of 256 tokens keeps about 30 GB of activations
# (estimated, not measured); an A10 has 24 GB. Models of up to 110 million fit, and train a third
# faster without recomputing.
_LARGE_PARAMETERS = 200_000_000
_TOKEN_SCALE = 32.0
"""Inverse temperature of the late interaction's loss. ColBERT adds up the cosines of 32 question
tokens; the mean is used here, so that a long question has no sharper loss."""


def tune(
    model: SentenceTransformer,
    plan: BatchPlan,
    tuning: Tuning,
    workers: Workers,
    checkpoints: Path,
    fingerprint: str,
    report: Callable[[str], None],
) -> list[dict[str, float]]:
    """Train `model` in place, starting from the last complete checkpoint.

    Args:
        model: The base model, on the worker's device.
        plan: What to train on; the same on every worker, at least one step.
        tuning: The settings.
        workers: This worker and the others.
        checkpoints: Folder for checkpoints.
        fingerprint: Of data and settings; checkpoints with another one are not used.
        report: Receives progress lines.

    Returns:
        The loss as logged: `step` and `loss` of each line.
    """
    drop_attention_dropout(model)
    if sum(parameter.numel() for parameter in model.parameters()) >= _LARGE_PARAMETERS:
        _recompute_activations(model)
    trainer = _Trainer(
        model=model,
        args=training_arguments(
            SentenceTransformerTrainingArguments, plan, tuning, workers, checkpoints
        ),
        train_dataset=dataset_of(plan),
        loss=_RankingLoss(
            model,
            tuning.token_dimension,
            scale=tuning.scale,
            gather_across_devices=workers.world_size > 1,
        ),
    )
    return fit(trainer, workers, fingerprint, report)


class _Trainer(Sealed, SentenceTransformerTrainer):
    """The library's Trainer, with sealed checkpoints."""


def _recompute_activations(model: torch.nn.Module) -> None:
    """Keep only the activations between layers, and compute the others again when needed."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.activation_checkpointing_enable({"use_reentrant": False})


class _RankingLoss(MultipleNegativesRankingLoss):
    """In-batch negatives, compared in float32: bf16 has three digits, too few for a softmax.

    With token vectors, the loss is the sum of two: of the embeddings' cosines, and of the late
    interaction, so that one model gives both.

    Args:
        model: The model.
        token_dimension: Components of a token vector to compare; 0 for no token vectors.
        options: Of `MultipleNegativesRankingLoss`.
    """

    _special: torch.Tensor

    def __init__(self, model: SentenceTransformer, token_dimension: int, **options: Any) -> None:
        super().__init__(model, **options)
        self._dimension = token_dimension
        special = torch.tensor(sorted(model.tokenizer.all_special_ids))
        self.register_buffer("_special", special, persistent=False)

    def forward(
        self, sentence_features: Iterable[dict[str, torch.Tensor]], labels: torch.Tensor
    ) -> torch.Tensor:
        features = list(sentence_features)
        counting = [self._counting(column) for column in features]
        outputs = [self.model(column) for column in features]
        loss = self.compute_loss_from_embeddings(
            [output["sentence_embedding"] for output in outputs], labels
        )
        if self._dimension:
            with torch.autocast(loss.device.type, enabled=False):
                states = [self._token_vectors(output) for output in outputs]
                loss = loss + _late_interaction_loss(states, counting)
        return loss

    def _counting(self, column: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return which tokens are part of the text: (texts, tokens) bool."""
        special = torch.isin(column["input_ids"], self._special)
        return column["attention_mask"].bool() & ~special

    def _token_vectors(self, output: dict[str, torch.Tensor]) -> torch.Tensor:
        states = output["token_embeddings"][..., : self._dimension]
        return torch.nn.functional.normalize(states.float(), dim=-1)

    def compute_loss_from_embeddings(
        self, embeddings: list[torch.Tensor], labels: torch.Tensor
    ) -> torch.Tensor:
        with torch.autocast(embeddings[0].device.type, enabled=False):
            loss: torch.Tensor = super().compute_loss_from_embeddings(
                [embedding.float() for embedding in embeddings], labels
            )
        return loss


def _late_interaction_loss(
    states: Sequence[torch.Tensor], counting: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Return the cross-entropy of the late interaction: each question must find its passage.

    The negatives are the other passages of this worker's batch.

    Args:
        states: Token vectors of the questions, of their passages, and of mined negatives:
            (texts, tokens, dimension) float32, L2-normalised.
        counting: Which of them count: (texts, tokens) bool.
    """
    questions, passages = states[0], states[1:]
    scores = torch.cat(
        [
            maxsim(questions, column, counting[0], mask, length_normalize=True)
            for column, mask in zip(passages, counting[1:], strict=True)
        ],
        dim=1,
    )
    relevant = torch.arange(len(questions), device=scores.device)
    return torch.nn.functional.cross_entropy(_TOKEN_SCALE * scores, relevant)
