"""One tuning from the base model to the result: measure, mine, train, measure, keep, weigh, write.

Owns the order of these steps. Does not own the data, the batches, the loop, the workers, the choice
of the model, how the application ranks with it (`training.ranking`), or the check of the settings
(`training.train_embedding`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from sentence_transformers import SentenceTransformer
from transformers import set_seed
from transformers.utils import logging as transformers_logging

from rag.models import ModelInfo
from training.batches import BatchPlan, plan_batches
from training.checkpoints import write_json
from training.data import TrainingData
from training.judge import Judge, Measured
from training.negatives import mine_negatives
from training.options import Options, SettingsError
from training.outcome import decide, model_version
from training.passage_vectors import PassageVectors
from training.ranking import CROSS_CHECKPOINTS, Ranker, RankingChoices
from training.search_weight import WeightChoice
from training.torchscript.job import add_torchscript, update_torchscript
from training.trainer import tuning_of
from training.tuning import tune
from training.workers import Encoder, Precision, Workers, prompt_of, start_workers

__all__ = ["Run"]

_OUTCOME_OPTIONS_EXCLUDED = (
    *("corpus_dir", "output_dir", "base_model_dir", "save_steps"),
    # The data has the texts that these lead to.
    *("encoding", "ocr", "ocr_language"),
    # Another export needs no other model.
    "libtorch_version",
)
_CHECKPOINTS = "checkpoints"


@dataclass(kw_only=True)
class Run:
    """One worker's run.

    Attributes:
        options: The settings.
        data: The corpus.
        base: The base model, for `SentenceTransformer`.
        info: The catalogue's entry for it.
        report: Receives progress lines, from worker 0 only.
    """

    options: Options
    data: TrainingData
    base: str
    info: ModelInfo | None
    report: Callable[[str], None]

    @cached_property
    def workers(self) -> Workers:
        """This worker and the others."""
        precision: Precision | Literal["auto"] = self.options.precision  # type: ignore[assignment]
        try:
            return start_workers(precision)
        except ValueError as error:
            raise SettingsError(str(error)) from error

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the data and of every setting that changes the outcome."""
        settings = asdict(self.options)
        for name in _OUTCOME_OPTIONS_EXCLUDED:
            del settings[name]
        if not settings["cross_encoder_epochs"]:
            # As before there was one, so that no model is trained again without need.
            del settings["cross_encoder_epochs"]
        settings["library"] = version("sentence-transformers")
        settings["world_size"] = self.workers.world_size
        settings["data"] = self.data.fingerprint()
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def execute(self, started: float) -> dict[str, Any]:
        """Run steps 3 to 6 of `training.train_embedding`.

        Args:
            started: `time.monotonic()` at the start of the job.

        Returns:
            The content of result.json, which worker 0 has written.

        Raises:
            SettingsError: The base model has another dimension than the options.
        """
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        set_seed(self.options.seed)
        output = Path(self.options.output_dir)
        workers = self.workers
        self._say(
            f"device {workers.device}, {workers.precision}, {workers.world_size} worker(s); "
            f"base model {self.options.base_model}"
        )
        model = self._load(self.base)
        encoder = workers.encoder(model)
        # 3. The base model: its measures, and the negatives that it takes for answers.
        passages = self._encode_passages(model, encoder)
        base = self._measure(model, encoder, passages)
        if base is None or len(self.data.pairs) < self.options.min_pairs:
            return self._finish(model, "base", base, None, self._few(), passages, [], started)
        self._say(f"base: {_line(base.held_out)}")
        plan = self._plan(model, encoder, passages)
        del encoder  # It holds a copy of the weights.
        if plan.steps == 0:
            reason = "no two pairs fit into one batch: every passage may answer every query"
            return self._finish(model, "base", base, None, reason, passages, [], started)
        # 4. Training.
        self._say(
            f"training: {plan.steps} steps of {plan.batch_size * workers.world_size} pairs, "
            f"{len(plan.rows[0].negatives)} mined negative(s) each"
        )
        losses = tune(
            model,
            plan,
            tuning_of(self.options, plan.steps),
            workers,
            output / _CHECKPOINTS,
            self.fingerprint,
            self._say,
        )
        # 5. The tuned model, as it was saved.
        tuned_model = self._save_and_reload(model, output / "tuned")
        encoder = workers.encoder(tuned_model)
        passages = self._encode_passages(tuned_model, encoder)
        tuned = self._measure(tuned_model, encoder, passages)
        if tuned is None:
            raise RuntimeError("There are no held-out queries, although the base model had some.")
        self._say(f"tuned: {_line(tuned.held_out)}")
        # 6. The better one, and how the application ranks with it.
        kept, reason = decide(base.chosen_by, tuned.chosen_by, self.data.chooser_name)
        winner = tuned_model if kept == "tuned" else self._load(self.base)
        return self._finish(winner, kept, base, tuned, reason, passages, losses, started)

    def update(self, result: dict[str, Any]) -> dict[str, Any]:
        """Bring the export of a finished run up to date.

        Args:
            result: The content of result.json.

        Returns:
            The content of result.json now.
        """
        if self.workers.is_main:
            output, version = Path(self.options.output_dir), self.options.libtorch_version
            if not update_torchscript(output, result, version, self._say):
                self._say(
                    "result.json is of this corpus and these settings, so there is nothing to do"
                )
        return dict(self.workers.from_main(result))

    def _load(self, path: str) -> SentenceTransformer:
        model = SentenceTransformer(path, device=str(self.workers.device))
        dimension = model.get_embedding_dimension()
        if dimension != self.options.dimension:
            raise SettingsError(
                f"--dimension is {self.options.dimension}, but {path} has {dimension}. Use "
                f"{dimension}, or a model of dimension {self.options.dimension}."
            )
        longest = model.max_seq_length or self.options.max_seq_length
        model.max_seq_length = min(longest, self.options.max_seq_length)
        if self.info is not None:
            # Saved with the model, so that later users get the prefixes from it.
            model.prompts = {"query": self.info.query_prefix, "document": self.info.document_prefix}
        return model

    def _encode_passages(self, model: SentenceTransformer, encoder: Encoder) -> PassageVectors:
        def progress(done: int, total: int) -> None:
            self._say(f"encoded {done}/{total} windows of {len(windows)} chunks")

        windows, prefix = self.data.windows(), prompt_of(model, "document")
        texts = [prefix + text for passage in windows for text in passage]
        encoding = self.workers.encode(encoder, texts, report=progress)
        return PassageVectors(
            windows=encoding.embeddings,
            counts=[len(passage) for passage in windows],
            seconds=encoding.seconds,
        )

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.data)

    @cached_property
    def _ranker(self) -> Ranker:
        return Ranker(
            options=self.options,
            data=self.data,
            judge=self._judge,
            workers=self.workers,
            fingerprint=self.fingerprint,
            report=self._say,
        )

    def _measure(
        self, model: SentenceTransformer, encoder: Encoder, passages: PassageVectors
    ) -> Measured | None:
        return self._judge.measure(
            passages, lambda queries: self.workers.encode_queries(model, encoder, queries)
        )

    def _plan(
        self, model: SentenceTransformer, encoder: Encoder, passages: PassageVectors
    ) -> BatchPlan:
        options, data = self.options, self.data
        mined: list[list[int]] = [[] for _ in data.pairs]
        if options.hard_negatives:
            queries = self.workers.encode_queries(
                model, encoder, [pair.query for pair in data.pairs]
            )
            if self.workers.is_main:
                mined = mine_negatives(
                    data.pairs,
                    data.passages,
                    self._judge.words,
                    queries,
                    passages,
                    count=max(10, 2 * options.hard_negatives),
                    skip=options.skip_hardest,
                )
            # One worker mines, because a different last digit would change a worker's plan.
            mined = self.workers.from_main(mined)
        plan = plan_batches(
            data.pairs,
            data.passages,
            mined,
            cut=data.windows_in,
            num_train_epochs=options.num_train_epochs,
            batch_size=options.per_device_train_batch_size,
            world_size=self.workers.world_size,
            negatives_per_pair=options.hard_negatives,
            seed=options.seed,
        )
        query, document = prompt_of(model, "query"), prompt_of(model, "document")
        rows = tuple(
            replace(
                row,
                query=query + row.query,
                positive=document + row.positive,
                negatives=tuple(document + text for text in row.negatives),
            )
            for row in plan.rows
        )
        return replace(plan, rows=rows)

    def _save_and_reload(self, model: SentenceTransformer, folder: Path) -> SentenceTransformer:
        if self.workers.is_main:
            shutil.rmtree(folder, ignore_errors=True)
            model.save_pretrained(str(folder), create_model_card=False)
            saved = SentenceTransformer(str(folder), device=str(self.workers.device))
            dimension = saved.get_embedding_dimension()
            if dimension != self.options.dimension:
                raise RuntimeError(
                    f"The saved model has {dimension} dimensions, not {self.options.dimension}."
                )
            return saved
        return model

    def _few(self) -> str:
        return (
            f"{len(self.data.pairs)} pairs to train on and {len(self.data.held_out)} held-out "
            f"queries; at least {self.options.min_pairs} and 1 are needed"
        )

    def _finish(
        self,
        model: SentenceTransformer,
        kept: str,
        base: Measured | None,
        tuned: Measured | None,
        reason: str,
        passages: PassageVectors,
        losses: Sequence[Mapping[str, float]],
        started: float,
    ) -> dict[str, Any]:
        output = Path(self.options.output_dir)
        result: dict[str, Any] = {}
        if self.workers.is_main:
            shutil.rmtree(output / "model", ignore_errors=True)
            model.save_pretrained(str(output / "model"), create_model_card=False)
            shutil.rmtree(output / "tuned", ignore_errors=True)
        if kept == "tuned" and tuned is not None:
            choices = self._ranker.choose(model, tuned, passages)
        else:
            choices = RankingChoices(search=self._judge.weight(base))
        if self.workers.is_main:
            result = {
                "kept": kept,
                "reason": reason,
                "model_version": model_version(output / "model"),
                "model_prefix": "model/",
                # With these `customrag:pai:DlcJob` notices that the model is lost.
                "files": {
                    path.relative_to(output).as_posix(): path.stat().st_size
                    for path in sorted((output / "model").rglob("*"))
                    if path.is_file()
                },
                "base_model": self.options.base_model,
                "dimension": self.options.dimension,
                "search_weight": choices.search.weight,
                "search_weight_reason": choices.search.reason,
                "token_vectors": choices.form and choices.form.described(),
                "rerank_weight": choices.late.weight,
                "rerank_weight_reason": choices.late.reason,
                "cross_encoder_weight": choices.cross.weight,
                "cross_encoder_weight_reason": choices.cross.reason,
                "base": base and base.held_out,
                "tuned": tuned and tuned.held_out,
                "questions": {
                    "train": len(self.data.pairs),
                    "validation": len(self.data.validation),
                    "test": len(self.data.held_out),
                },
                "pairs_source": self.data.source,
                "held_out": self.data.held_out_split,
                "documents": self.data.documents,
                "chunks": len(self.data.passages),
                "set_aside": len(self.data.set_aside),
                "encode_rate_chunks_per_second": round(passages.passages_per_second, 2),
                "fingerprint": self.fingerprint,
            }
            add_torchscript(output, result, self.options.libtorch_version, self._say)
            result["seconds"] = round(time.monotonic() - started, 1)
            details = {
                "loss": list(losses),
                "validation": {
                    "queries": self.data.chooser_name,
                    "base": base and base.chosen_by,
                    "tuned": tuned and tuned.chosen_by,
                },
                "cross_encoder_loss": list(choices.cross_losses),
                "search_weight_ndcg@10": _curve(choices.search),
                "rerank_weight_ndcg@10": _curve(choices.late),
                "cross_encoder_weight_ndcg@10": _curve(choices.cross),
            }
            self._write(output, result, details)
        return dict(self.workers.from_main(result))

    def _write(self, output: Path, result: Mapping[str, Any], details: Mapping[str, Any]) -> None:
        metrics = {
            **result,
            **details,
            "options": asdict(self.options),
            "workers": self.workers.world_size,
            "device": str(self.workers.device),
            "precision": self.workers.precision,
            "set_aside": list(self.data.set_aside),
        }
        write_json(output / "metrics.json", metrics)
        write_json(output / "result.json", result)
        # With the result there, nothing resumes; they are three times the model's size.
        for checkpoints in (_CHECKPOINTS, CROSS_CHECKPOINTS):
            shutil.rmtree(output / checkpoints, ignore_errors=True)
        self._say(
            f"kept: {result['kept']} ({result['reason']}); model version "
            f"{result['model_version']}, {result['seconds']} s"
        )
        self._say(
            f"weight of the vector search: {result['search_weight']:g} "
            f"({result['search_weight_reason']})"
        )
        self._say(
            f"weight of the late interaction: {result['rerank_weight']:g} "
            f"({result['rerank_weight_reason']})"
        )
        self._say(
            f"weight of the cross-encoder: {result['cross_encoder_weight']:g} "
            f"({result['cross_encoder_weight_reason']})"
        )

    def _say(self, line: str) -> None:
        if self.workers.is_main:
            self.report(line)


def _curve(choice: WeightChoice) -> dict[str, float]:
    return {f"{weight:g}": value for weight, value in choice.curve.items()}


def _line(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
