"""One tuning of a language model: measure, train, measure, keep, write.

Owns the order of these steps and the files in the output folder. Does not own the examples, the
loop, the measures, or the check of the settings (`training.train_llm`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from transformers import AutoModelForCausalLM, set_seed
from transformers.utils import logging as transformers_logging

from rag.language_models import Weights
from rag.prompt import ModelProfile
from training.checkpoints import read_json, write_json
from training.examples import hash_of
from training.llm.answers import Gain, decide_by_answers, gain_of
from training.llm.examples import Example, LlmData, write_chatml
from training.llm.loop import Trained, steps_of, train_model
from training.llm.measure import Answered, Judgement, Row, judge_answers, measured_loss
from training.llm.model import load_model, load_tokenizer, tokens_of
from training.llm.model_studio import adapter_problems
from training.llm.options import LlmOptions
from training.options import SettingsError
from training.outcome import model_version
from training.workers import Precision, Workers, start_workers

__all__ = ["LlmRun"]

_OUTCOME_OPTIONS_EXCLUDED = (
    *("corpus_dir", "output_dir", "base_model_dir", "save_steps", "max_run_minutes"),
    # The data has the texts that these lead to.
    *("encoding", "ocr", "ocr_language"),
)
_CHECKPOINTS = "checkpoints"
_BASE = "base.json"
"""The base model's answers, beside the checkpoints, so that a resumed run does not ask again."""
_FEWEST_TO_JUDGE = 5

Judged = dict[str, Judgement]
"""By the name of the questions: validation, test."""


@dataclass(kw_only=True)
class LlmRun:
    """One worker's run.

    Attributes:
        options: The settings.
        data: The examples.
        weights: The base model.
        profile: Its limits.
        report: Receives progress lines, from worker 0 only.
    """

    options: LlmOptions
    data: LlmData
    weights: Weights
    profile: ModelProfile
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
        settings["libraries"] = [version(name) for name in ("trl", "peft", "transformers")]
        settings["world_size"] = self.workers.world_size
        settings["data"] = self.data.fingerprint()
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def execute(self, started: float) -> dict[str, Any] | None:
        """Run steps 3 to 6 of `training.train_llm`.

        Args:
            started: `time.monotonic()` at the start of the job.

        Returns:
            The content of result.json, which worker 0 has written; None if the time was up first.
        """
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        set_seed(self.options.seed)
        workers, output = self.workers, Path(self.options.output_dir)
        self._say(
            f"device {workers.device}, {workers.precision}, {workers.world_size} worker(s); "
            f"base model {self.options.base_model}, {self.options.method}"
        )
        if workers.is_main:
            write_chatml(output / "data.jsonl", self.data.train)
            write_chatml(output / "validation.jsonl", self.data.validation)
        tokenizer = load_tokenizer(self.weights)
        train = self._tokens(self.data.train, tokenizer)
        asked = {
            name: self._tokens(self._drawn(rows), tokenizer)
            for name, rows in (("validation", self.data.validation), ("test", self.data.test))
        }
        if few := self._few(len(train), len(asked["validation"])):
            return self._finish({}, {}, None, ("base", few), None, train, started)
        # 3. The base model.
        model = load_model(self.weights, self.options.method, workers)
        base = self._judged_before(model, tokenizer, asked)
        self._say_measures("base", base)
        # 4. Training.
        options = self.options
        self._say(
            f"training: {steps_of(len(train), options, workers)} steps on {len(train)} examples, "
            f"peak learning rate {options.peak_learning_rate:g}"
        )
        limit = options.max_run_minutes
        trained = train_model(
            model,
            tokenizer,
            [tokens for _, tokens in train],
            options,
            workers,
            base_model=self.weights.repository,
            checkpoints=output / _CHECKPOINTS,
            fingerprint=self.fingerprint,
            deadline=started + limit * 60 if limit else None,
            report=self._say,
        )
        if not trained.whole:
            self._say(
                f"stopped at the checkpoint of step {trained.step}/{trained.steps}, because "
                f"--max-run-minutes is {limit:g}; the same command goes on from there"
            )
            return None
        # 5. The tuned model, as it was saved.
        tuned = self._judge(self._save(trained, tokenizer), tokenizer, asked)
        self._say_measures("tuned", tuned)
        # 6. The better one.
        before, after = (
            [row.token_f1 for row in judged["validation"].answers] for judged in (base, tuned)
        )
        gain = gain_of(before, after, options.seed)
        choice = decide_by_answers(
            base["validation"].measures(), tuned["validation"].measures(), gain
        )
        return self._finish(base, tuned, gain, choice, trained, train, started)

    def _tokens(self, examples: Sequence[Example], tokenizer: Any) -> list[Row]:
        return tokens_of(examples, tokenizer, self.options.max_length, self._say)

    def _drawn(self, examples: Sequence[Example]) -> list[Example]:
        """Return the questions to answer: a hash draws them, so that all documents take part."""
        order = sorted(examples, key=lambda example: hash_of(f"answer {example.user}"))
        return order[: self.options.answer_questions]

    def _few(self, train: int, validation: int) -> str:
        """Return why there are too few examples; empty if there are enough."""
        fewest = self.options.min_examples
        if train >= fewest and validation >= _FEWEST_TO_JUDGE:
            return ""
        return (
            f"{train} questions to train on and {validation} held out of the train split; at least "
            f"{fewest} and {_FEWEST_TO_JUDGE} are needed"
        )

    def _judge(self, model: Any, tokenizer: Any, asked: Mapping[str, list[Row]]) -> Judged:
        return {
            name: Judgement(
                loss=measured_loss(model, rows, tokenizer.pad_token_id, self.workers),
                answers=judge_answers(
                    model, tokenizer, rows, self.profile, self.workers, self._say
                ),
            )
            for name, rows in asked.items()
            if rows
        }

    def _judged_before(self, model: Any, tokenizer: Any, asked: Mapping[str, list[Row]]) -> Judged:
        """Return what the base model achieved; a resumed run has it in a file."""
        path = Path(self.options.output_dir) / _CHECKPOINTS / _BASE
        saved = self.workers.from_main(read_json(path))
        if saved is not None and saved.get("fingerprint") == self.fingerprint:
            return {
                name: Judgement(
                    loss=entry["loss"], answers=tuple(Answered(**row) for row in entry["answers"])
                )
                for name, entry in saved["judged"].items()
            }
        judged = self._judge(model, tokenizer, asked)
        if self.workers.is_main:
            content = {name: asdict(judgement) for name, judgement in judged.items()}
            write_json(path, {"fingerprint": self.fingerprint, "judged": content})
        return judged

    def _save(self, trained: Trained, tokenizer: Any) -> Any:
        """Write the tuned model, and return it as it was written."""
        model, output = trained.model, Path(self.options.output_dir)
        folder = output / self._folder
        whole = self.options.method == "full"
        if self.workers.is_main:
            shutil.rmtree(folder, ignore_errors=True)
            if whole:
                model.save_pretrained(str(folder))
                tokenizer.save_pretrained(str(folder))
            else:
                model.save_pretrained(str(folder), save_embedding_layers=False)
                # PEFT's model card; Model Studio takes the other two files alone.
                (folder / "README.md").unlink(missing_ok=True)
        self.workers.from_main(None)  # The others wait until it is written.
        if whole:
            del model
            saved: Any = AutoModelForCausalLM.from_pretrained(str(folder))
            return saved.to(self.workers.device).eval()
        model.load_adapter(str(folder), adapter_name="saved")
        model.set_adapter("saved")
        return model.eval()

    @property
    def _folder(self) -> str:
        return "model" if self.options.method == "full" else "adapter"

    def _finish(
        self,
        base: Judged,
        tuned: Judged,
        gain: Gain | None,
        choice: tuple[str, str],
        trained: Trained | None,
        train: Sequence[Row],
        started: float,
    ) -> dict[str, Any]:
        output, (kept, reason) = Path(self.options.output_dir), choice
        result: dict[str, Any] = {}
        if self.workers.is_main:
            folder = output / self._folder
            if kept == "base":
                shutil.rmtree(folder, ignore_errors=True)
            elif self.options.target == "model-studio" and (wrong := [*adapter_problems(folder)]):
                raise RuntimeError(f"Model Studio would refuse the adapter: {' '.join(wrong)}")
            result = {
                "kept": kept,
                "reason": reason,
                "method": self.options.method,
                "target": self.options.target,
                "base_model": self.options.base_model,
                "base_repository": self.weights.repository,
                "model_version": model_version(folder) if kept == "tuned" else "",
                "model_prefix": f"{self._folder}/" if kept == "tuned" else "",
                # With these `customrag:pai:DlcJob` notices that the model is lost.
                "files": {
                    path.relative_to(output).as_posix(): path.stat().st_size
                    for path in sorted(folder.rglob("*"))
                    if path.is_file()
                },
                "prompt": "quotes" if self.profile.quotes else "passages",
                "validation": _measures(base, tuned, "validation"),
                "test": _measures(base, tuned, "test"),
                "token_f1_gain": gain and gain.described(),
                "questions": {
                    "train": len(train),
                    "validation": len(self.data.validation),
                    "test": len(self.data.test),
                },
                "set_aside": len(self.data.problems),
                "fingerprint": self.fingerprint,
                "seconds": round(time.monotonic() - started, 1),
            }
            self._write(output, result, base, tuned, trained)
        return dict(self.workers.from_main(result))

    def _write(
        self,
        output: Path,
        result: Mapping[str, Any],
        base: Judged,
        tuned: Judged,
        trained: Trained | None,
    ) -> None:
        metrics = {
            **result,
            "loss": trained.losses if trained else [],
            "answers": {
                name: [
                    {
                        "question": before.question,
                        "gold": before.gold,
                        "base": before.answer,
                        "tuned": after.answer,
                        "base_token_f1": before.token_f1,
                        "tuned_token_f1": after.token_f1,
                    }
                    for before, after in zip(judgement.answers, tuned[name].answers, strict=True)
                ]
                for name, judgement in base.items()
            },
            "options": asdict(self.options),
            "workers": self.workers.world_size,
            "device": str(self.workers.device),
            "precision": self.workers.precision,
            "set_aside": list(self.data.problems),
        }
        write_json(output / "metrics.json", metrics)
        write_json(output / "result.json", result)
        shutil.rmtree(output / _CHECKPOINTS, ignore_errors=True)
        self._say(f"kept: {result['kept']} ({result['reason']}); {result['seconds']} s")

    def _say_measures(self, name: str, judged: Judged) -> None:
        for questions, judgement in judged.items():
            line = ", ".join(f"{key} {value:.3f}" for key, value in judgement.measures().items())
            self._say(f"{name}: {questions}: {line}")

    def _say(self, line: str) -> None:
        if self.workers.is_main:
            self.report(line)


def _measures(base: Judged, tuned: Judged, name: str) -> dict[str, dict[str, float]] | None:
    if name not in base or name not in tuned:
        return None
    return {"base": base[name].measures(), "tuned": tuned[name].measures()}
