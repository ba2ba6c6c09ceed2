"""Tune the embedding model on the user's own corpus, and keep the tuned model if it is better.

    python -m training.train_embedding --corpus-dir DIR --output-dir DIR \\
        --base-model all-MiniLM-L6-v2 --dimension 384

The same command runs on PAI, on one GPU or, under torchrun, on many, and on a CPU:

    1. check the settings against the catalogue's entry for the model;
    2. read the corpus, build question-passage pairs, hold some out to choose by and to report;
    3. measure the base model on the held-out queries, mine hard negatives with it;
    4. train, with checkpoints; after a kill the same command continues from the last one;
    5. save the tuned model, load it again, measure it;
    6. keep the better of the two by nDCG@10, choose how much its vectors weigh beside the word
       search and what orders the best passages again (with --cross-encoder-epochs, train a
       cross-encoder for that), export the model for OpenSearch, write metrics.json and, last,
       result.json.

Writes into the output folder: `model/` (the kept model, for `SentenceTransformer`; perhaps with
`cross_encoder/`, for `CrossEncoder`), `torchscript/model.zip` (the embedding model for OpenSearch's
ml-commons), checkpoints (until there is a result), `metrics.json`, `result.json`. If result.json is
of the same data and settings and its model is there, the command trains nothing; it exports again
if the zip is for another libtorch.

Exit status: 0 done; 2 the settings or the corpus are not valid, with the reason in one line on
stderr.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.models import model_info, resolve_model
from rag.tokens import load_tokens
from training.checkpoints import read_json
from training.data import load_training_data
from training.options import Options, SettingsError, parse_options

__all__ = ["main", "train"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    try:
        train(parse_options(argv))
    except (SettingsError, RagError) as error:
        print(f"train_embedding: {error}", file=sys.stderr)
        return 2
    return 0


def train(options: Options) -> dict[str, Any]:
    """Run the steps in the module's docstring; each of several workers calls it.

    Returns:
        The content of result.json.

    Raises:
        SettingsError: A setting is not valid. Raised before any work.
        RagError: The model is unknown, or the corpus has no readable documents.
        RuntimeError: The workers could not read the same documents.
    """
    started = time.monotonic()
    # 1. Settings.
    info = model_info(options.base_model)
    if info is not None and info.dimension != options.dimension:
        raise SettingsError(
            f"--dimension is {options.dimension}, but {options.base_model} has {info.dimension}. "
            f"Use {info.dimension}, or a model of dimension {options.dimension}."
        )
    base = _base_folder(options) or resolve_model(options.base_model)
    # 2. Corpus and pairs.
    data = load_training_data(
        options.corpus_dir,
        seed=options.seed,
        min_pairs=options.min_pairs,
        measure=load_tokens(
            base, options.max_seq_length, info.document_prefix if info is not None else None
        ),
        languages=info.languages if info is not None else (),
        options=options.read_options,
        report=_say,
    )
    _say(
        f"corpus: {data.documents} documents, {len(data.passages)} chunks, {len(data.pairs)} "
        f"pairs from {data.source}, {len(data.validation)} queries to choose by, "
        f"{len(data.held_out)} held-out queries, "
        f"{len(data.set_aside)} skipped"
    )
    # Here, because torch takes seconds to load and wrong settings must fail at once.
    from training.run import Run

    run = Run(options=options, data=data, base=base, info=info, report=_say)
    workers = run.workers
    if workers.from_main(run.fingerprint) != run.fingerprint:
        raise RuntimeError(
            "The workers have different documents: reading one took too long, or too much memory, "
            "on some of them only; the lines that start with 'skipped' name it. Start the training "
            "again."
        )
    # Worker 0 decides for all, so that all do the same.
    done = workers.from_main(_finished(Path(options.output_dir), run.fingerprint))
    # Otherwise 3 to 6.
    result = run.execute(started) if done is None else run.update(done)
    workers.close()
    return result


def _finished(output: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return result.json if it is of this data and these settings and its model is whole."""
    result = read_json(output / "result.json")
    if result is None or result.get("fingerprint") != fingerprint or "files" not in result:
        return None
    model = {
        path: size
        for path, size in result["files"].items()
        if path.startswith(result["model_prefix"])
    }
    for path, size in model.items():
        if not (output / path).is_file() or (output / path).stat().st_size != size:
            return None
    return result


def _base_folder(options: Options) -> str:
    """Return the folder that --base-model-dir gives; empty if it gives none.

    Raises:
        SettingsError: The folder has no model.
    """
    folder = options.base_model_dir
    if folder and not (Path(folder) / "config.json").is_file():
        raise SettingsError(
            f"--base-model-dir is {folder!r}, which has no config.json. Put the model's files "
            f"there, as its hub has them, then run again."
        )
    return folder


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
