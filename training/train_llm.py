"""Tune a language model on the user's own corpus, and keep the tuned model if it answers better.

    python -m training.train_llm --corpus-dir DIR --output-dir DIR \\
        --base-model smollm2-135m-instruct --method lora

The same command runs on one GPU, under torchrun on many, and on a CPU:

    1. check the settings: what the method needs, and with --target model-studio what Model Studio's
       import accepts;
    2. read the corpus; make an example of each question of the train split, with the passage that
       has the answer, in the prompt that the application uses for this model; hold some out; leave
       out what the test split also has;
    3. measure the base model on held-out questions: loss, token F1, exact match;
    4. train with TRL and PEFT, with checkpoints; after a kill the same command continues from the
       last one;
    5. save the adapter or the model, load it again, measure it;
    6. keep the tuned model if its token F1, on questions held out of the train split, is better by
       more than the noise, write metrics.json and, last, result.json.

Writes into the output folder: `data.jsonl` and `validation.jsonl` (ChatML), `adapter/` (LoRA and
QLoRA) or `model/` (full), checkpoints (until there is a result), `metrics.json`, `result.json`. If
result.json is of the same data and settings and its files are there, the command does nothing.

Exit status: 0 done; 2 the settings or the corpus are not valid, with the reason in one line on
stderr; 3 stopped at a checkpoint because --max-run-minutes were over, the same command goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.language_models import resolve_language_model
from rag.prompt import profile_of
from training.checkpoints import read_json
from training.data import load_training_data
from training.llm.examples import build_examples
from training.llm.options import LlmOptions, parse_llm_options
from training.options import SettingsError

__all__ = ["TIME_IS_UP", "main", "train"]

TIME_IS_UP = 3
"""Exit status of a run that --max-run-minutes stopped."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    try:
        result = train(parse_llm_options(argv))
    except (SettingsError, RagError) as error:
        print(f"train_llm: {error}", file=sys.stderr)
        return 2
    return TIME_IS_UP if result is None else 0


def train(options: LlmOptions) -> dict[str, Any] | None:
    """Run the steps in the module's docstring; each of several workers calls it.

    Returns:
        The content of result.json; None if the time was up first.

    Raises:
        SettingsError: A setting is not valid. Raised before any work.
        RagError: The model is unknown, or the corpus has no readable documents.
        RuntimeError: The workers could not read the same documents.
    """
    started = time.monotonic()
    # 1. Settings.
    weights = resolve_language_model(options.base_model, options.base_model_dir)
    if options.method == "qlora":
        # Here, because torch takes seconds to load and wrong settings must fail at once.
        from training.llm.model import check_qlora

        check_qlora(weights)
    profile = profile_of(options.base_model)
    # 2. Corpus and examples.
    corpus = load_training_data(
        options.corpus_dir,
        seed=options.seed,
        min_pairs=options.min_examples,
        options=options.read_options,
        report=_say,
    )
    data = build_examples(corpus, profile, seed=options.seed, max_examples=options.max_examples)
    for problem in data.problems:
        _say(f"skipped: {problem}")
    _say(
        f"corpus: {corpus.documents} documents, {len(corpus.passages)} chunks; questions: "
        f"{len(data.train)} to train on, {len(data.validation)} to choose by, {len(data.test)} to "
        f"report; {len(corpus.set_aside) + len(data.problems)} skipped"
    )
    from training.llm.run import LlmRun

    run = LlmRun(options=options, data=data, weights=weights, profile=profile, report=_say)
    workers = run.workers
    if workers.from_main(run.fingerprint) != run.fingerprint:
        raise RuntimeError(
            "The workers have different documents: reading one took too long, or too much memory, "
            "on some of them only; the lines that start with 'skipped' name it. Start the training "
            "again."
        )
    # Worker 0 decides for all, so that all do the same.
    result: dict[str, Any] | None = workers.from_main(
        _finished(Path(options.output_dir), run.fingerprint)
    )
    if result is None:
        result = run.execute(started)
    elif workers.is_main:
        _say("result.json is of this corpus and these settings, so there is nothing to do")
    workers.close()
    return result


def _finished(output: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return result.json if it is of this data and these settings and its files are whole."""
    result = read_json(output / "result.json")
    if result is None or result.get("fingerprint") != fingerprint or "files" not in result:
        return None
    for path, size in result["files"].items():
        if not (output / path).is_file() or (output / path).stat().st_size != size:
            return None
    return result


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
