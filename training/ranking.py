"""How the application ranks with a tuned model: the searches, late interaction, the cross-encoder.

Owns the order of these choices, and the training of the cross-encoder among them. Does not own the
rules for the shares (`training.search_weight`, `training.rerank_weight`), the measures
(`training.judge`), or the training loop (`training.trainer`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentence_transformers import SentenceTransformer

from rag.cross_encoder import FOLDER, LocalCrossEncoder
from rag.token_form import TokenForm
from training.batches import BatchPlan
from training.cross_batches import plan_cross_batches
from training.cross_encoder import (
    BATCH_SIZE,
    NEGATIVES,
    cross_encoder_of,
    train_cross_encoder,
)
from training.data import TrainingData
from training.judge import Judge, Measured
from training.negatives import mine_negatives
from training.options import Options
from training.passage_vectors import PassageVectors
from training.rerank_weight import NO_CROSS_ENCODER, NO_TOKEN_VECTORS, Ranking
from training.search_weight import WeightChoice
from training.token_form import choose_token_form
from training.trainer import tuning_of
from training.workers import Workers

__all__ = ["CROSS_CHECKPOINTS", "Ranker", "RankingChoices"]

CROSS_CHECKPOINTS = "cross-encoder-checkpoints"
"""Folder of the cross-encoder's checkpoints in the job's output."""


@dataclass(frozen=True, kw_only=True)
class RankingChoices:
    """How the application ranks with the kept model.

    Attributes:
        search: Share of the vector search.
        form: Form of the token vectors; None for none.
        late: Share of the late interaction.
        cross: Share of the cross-encoder.
        cross_losses: Of its training.
    """

    search: WeightChoice
    form: TokenForm | None = None
    late: WeightChoice = NO_TOKEN_VECTORS
    cross: WeightChoice = NO_CROSS_ENCODER
    cross_losses: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True, kw_only=True)
class Ranker:
    """Chooses how the application ranks.

    Attributes:
        options: The job's settings.
        data: The corpus.
        judge: Measures rankings on it.
        workers: This worker and the others.
        fingerprint: Of data and settings, for the cross-encoder's checkpoints.
        report: Receives progress lines.
    """

    options: Options
    data: TrainingData
    judge: Judge
    workers: Workers
    fingerprint: str
    report: Callable[[str], None]

    def choose(
        self, model: SentenceTransformer, tuned: Measured, passages: PassageVectors
    ) -> RankingChoices:
        """Choose the shares, and train the cross-encoder if the options ask for one.

        Every worker trains; worker 0 chooses, and the others' choices say nothing.

        Args:
            model: The tuned model. It is saved in the output; its weights change here.
            tuned: Its measures.
            passages: Its embeddings.
        """
        folder = Path(self.options.output_dir) / "model"
        losses = self._train_cross_encoder(model, passages, folder / FOLDER)
        search = self.judge.weight(tuned)
        rankings: Sequence[Ranking] = self.judge.searched(tuned, search.weight)
        form, late, cross = None, NO_TOKEN_VECTORS, NO_CROSS_ENCODER
        wanted = self.options.token_form
        if self.workers.is_main and wanted is not None:
            form, reranked = choose_token_form(
                folder,
                wanted,
                lambda dimension, encode: self.judge.late_interaction(rankings, dimension, encode),
                device=str(self.workers.device),
            )
            late, rankings = reranked.choice, reranked.rankings
        if self.workers.is_main and losses:
            encoder = LocalCrossEncoder(str(folder / FOLDER), device=str(self.workers.device))
            try:
                chosen = self.judge.cross_encoder(rankings, tuned, passages, encoder.scores)
            finally:
                encoder.close()
            cross = chosen.choice
            if cross.weight == 0:
                shutil.rmtree(folder / FOLDER)
        return RankingChoices(search=search, form=form, late=late, cross=cross, cross_losses=losses)

    def _train_cross_encoder(
        self, model: SentenceTransformer, passages: PassageVectors, folder: Path
    ) -> Sequence[Mapping[str, float]]:
        """Train a cross-encoder and save it; return its losses, none if it was not trained."""
        if not self.options.cross_encoder_epochs:
            return ()
        if not self.data.validation:
            self.report("no cross-encoder: there are too few questions to judge it by")
            return ()
        plan = self._plan(model, passages)
        if plan.steps == 0:
            return ()
        self.report(
            f"cross-encoder: {plan.steps} steps of {plan.batch_size * self.workers.world_size} "
            f"questions, {NEGATIVES} mined negatives each"
        )
        cross = cross_encoder_of(model)
        losses = train_cross_encoder(
            cross,
            plan,
            tuning_of(self.options, plan.steps),
            self.workers,
            Path(self.options.output_dir) / CROSS_CHECKPOINTS,
            self.fingerprint,
            self.report,
        )
        if self.workers.is_main:
            shutil.rmtree(folder, ignore_errors=True)
            cross.save_pretrained(str(folder), create_model_card=False)
        return losses

    def _plan(self, model: SentenceTransformer, passages: PassageVectors) -> BatchPlan:
        options, data, workers = self.options, self.data, self.workers
        queries = workers.encode_queries(
            model, workers.encoder(model), [pair.query for pair in data.pairs]
        )
        plan = BatchPlan(rows=(), batch_size=0, steps=0)
        if workers.is_main:
            mined = mine_negatives(
                data.pairs,
                data.passages,
                self.judge.words,
                queries,
                passages,
                count=6 * NEGATIVES,
                # The best of the searches may be an unmarked answer.
                skip=1,
            )
            plan = plan_cross_batches(
                data.pairs,
                data.passages,
                data.windows(),
                mined,
                queries,
                passages,
                num_train_epochs=options.cross_encoder_epochs,
                batch_size=BATCH_SIZE,
                world_size=workers.world_size,
                negatives_per_pair=NEGATIVES,
                seed=options.seed,
            )
        # Worker 0 plans for all, so that all do the same.
        planned: BatchPlan = workers.from_main(plan)
        return planned
