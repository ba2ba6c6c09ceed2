"""Measure retrieval on a corpus with questions: BM25, base model, tuned model, fused, reranked.

    python -m training.evaluate --corpus DIR [--elasticsearch-url URL] [--opensearch-url URL]
        [--model DIR] [--base-model NAME] [--cross-encoder-epochs N] [--output FILE.json]

    1. tune the model on the train split, unless --model gives one (a second run with the same
       corpus and settings reuses it from --work-dir);
    2. embed and index all chunks with both models, in temporary indices of each engine;
    3. ask the test split's questions, with the application's own searches, fusion and reranking;
    4. print a table for each engine; remove the indices, however the run ends.

CUSTOMRAG_ELASTICSEARCH_URL and CUSTOMRAG_ELASTICSEARCH_USERNAME are the defaults of the URL and the
user; for OpenSearch CUSTOMRAG_OPENSEARCH_URL, CUSTOMRAG_OPENSEARCH_USERNAME, and
CUSTOMRAG_OPENSEARCH_CA, a file with the certificate of its authority. Only
CUSTOMRAG_ELASTICSEARCH_PASSWORD and CUSTOMRAG_OPENSEARCH_PASSWORD give the passwords. At least one
engine must be there.

Exit status: 0 done; 1 failed; 2 cannot start, with the reason in one line; 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import math
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.models import model_info, resolve_model
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from rag.tokens import load_tokens
from training.bounds import BOUNDS, CROSS_ENCODER_EPOCHS
from training.checkpoints import write_json
from training.clusters import Cluster, clusters_of
from training.data import TrainingData, load_training_data
from training.measure import COLUMNS, Chosen, Measured, measure
from training.options import Options, SettingsError
from training.settings import EvaluationSettings
from training.train_embedding import train

__all__ = ["Evaluation", "evaluate", "main", "table"]

_WORK_DIR = Path(".customrag/local/work/eval")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The result of a measurement.

    Attributes:
        rows: Measures by engine and method, in the order of the tables.
        questions: Number of test questions.
        chunks: Number of chunks in the index.
        documents: Number of documents in the index.
        encode_rates: Windows per second by model, on this machine.
        note: A remark about the tuned model; may be empty.
    """

    rows: dict[str, dict[str, dict[str, float]]]
    questions: int
    chunks: int
    documents: int
    encode_rates: dict[str, float]
    note: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    arguments = _parse(argv)
    try:
        clusters = _clusters(arguments)
        evaluation = evaluate(
            arguments.corpus,
            clusters,
            base_model=arguments.base_model,
            model=arguments.model,
            work_dir=arguments.work_dir,
            cross_encoder_epochs=arguments.cross_encoder_epochs,
            options=arguments.options,
        )
    except (SettingsError, RagError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("evaluate: interrupted. The temporary indices are removed.", file=sys.stderr)
        return 130
    print(table(evaluation))
    if arguments.output is not None:
        write_json(arguments.output, _as_json(evaluation))
    return 0


def evaluate(
    corpus: Path,
    clusters: Sequence[Cluster],
    *,
    base_model: str,
    model: Path | None,
    work_dir: Path,
    cross_encoder_epochs: float = CROSS_ENCODER_EPOCHS,
    options: ReadOptions = DEFAULT_OPTIONS,
) -> Evaluation:
    """Tune, index and ask, and print the progress.

    Args:
        corpus: Folder with `docs/` and `questions.jsonl`.
        clusters: The clusters for the temporary indices.
        base_model: The model to start from and to compare with.
        model: A tuned model; None to tune one.
        work_dir: Folder for tuned models, with a folder for each corpus and setting.
        cross_encoder_epochs: Passes of the cross-encoder's training; 0 for none.
        options: How documents are read.

    Raises:
        RagError: The corpus has no test questions, or a cluster failed.
    """
    _say("reading the corpus")
    info = model_info(base_model)
    tokens = load_tokens(
        resolve_model(base_model),
        Options.max_seq_length,
        info.document_prefix if info is not None else None,
    )
    data = load_training_data(
        corpus,
        seed=0,
        min_pairs=0,
        measure=tokens,
        languages=info.languages if info is not None else (),
        options=options,
    )
    if data.source != "questions" or not data.held_out:
        raise SettingsError(
            f"--corpus is {str(corpus)!r}, which has no test questions. Add a questions.jsonl "
            f"whose answers are in docs/, some of them with split test."
        )
    for cluster in clusters:
        asyncio.run(_probe(cluster))
    note = ""
    if model is None:
        model, note = _tuned(corpus, base_model, data, work_dir, cross_encoder_epochs)
    measured = asyncio.run(
        _cancelled_by_sigterm(
            measure(corpus, data, tokens, clusters, base_model, str(model), Chosen.of(model), _say)
        )
    )
    return Evaluation(
        rows=measured.rows,
        questions=len(data.held_out),
        chunks=len(data.passages),
        documents=data.documents,
        encode_rates=measured.encode_rates,
        note=note,
    )


def table(evaluation: Evaluation) -> str:
    """Format the measures as text of at most 80 columns."""
    width = max(len(label) for rows in evaluation.rows.values() for label in rows)
    lines = []
    for engine, rows in evaluation.rows.items():
        lines.append(f"{engine:{width}}" + "".join(f"{name:>11}" for name in COLUMNS.values()))
        for label, metrics in rows.items():
            lines.append(f"{label:{width}}" + "".join(f"{metrics[key]:11.3f}" for key in COLUMNS))
        lines.append("")
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in evaluation.encode_rates.items())
    lines += [
        f"test split: {evaluation.questions:,} questions, {evaluation.chunks:,} chunks of "
        f"{evaluation.documents:,} documents",
        f"encode rate, windows/s: {rates}",
    ]
    if evaluation.note:
        lines.append(evaluation.note)
    return "\n".join(lines)


def _tuned(
    corpus: Path, base_model: str, data: TrainingData, work_dir: Path, cross_encoder_epochs: float
) -> tuple[Path, str]:
    reading = data.read_options
    options = Options(
        corpus_dir=str(corpus),
        output_dir="unset",
        base_model=base_model,
        dimension=_dimension(base_model),
        cross_encoder_epochs=cross_encoder_epochs,
        encoding=list(reading.encoding_pairs),
        ocr=reading.ocr,
        ocr_language=list(reading.ocr_languages),
    )
    key = hashlib.sha256(f"{data.fingerprint()}{options}".encode()).hexdigest()[:12]
    output = work_dir / key
    _say(f"tuning {base_model} into {output}")
    result = train(replace(options, output_dir=str(output)))
    note = (
        "" if result["kept"] == "tuned" else "tuned = base: tuning did not help, so base was kept"
    )
    return output / "model", note


def _dimension(base_model: str) -> int:
    info = model_info(base_model)
    if info is not None:
        return info.dimension
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(resolve_model(base_model), device="cpu")
    return int(loaded.get_embedding_dimension() or 0)


async def _probe(cluster: Cluster) -> None:
    """Fail before the minutes of training, not after them."""
    engine = cluster.engine()
    try:
        await cluster.check(engine)
    finally:
        await engine.close()


async def _cancelled_by_sigterm(work: Any) -> Measured:
    """Await `work`. SIGTERM cancels it as Ctrl-C does, so that it cleans up."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    measured: Measured = await task
    return measured


def _clusters(arguments: argparse.Namespace) -> list[Cluster]:
    given = {
        name: value
        for name in ("elasticsearch_url", "elasticsearch_username", "opensearch_url")
        if (value := getattr(arguments, name))
    }
    found = list(clusters_of(EvaluationSettings(**given)))
    if not found:
        raise SettingsError(
            "There is no search engine. Run `make up` first, or give --elasticsearch-url or "
            "--opensearch-url."
        )
    return found


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Measure retrieval on a corpus with questions, in real search engines.",
    )
    parser.add_argument("--corpus", type=Path, required=True, help="docs/ and questions.jsonl")
    parser.add_argument("--elasticsearch-url", default="", help="http[s]://host:port")
    parser.add_argument("--elasticsearch-username", default="", help="default: elastic")
    parser.add_argument("--opensearch-url", default="", help="https://host:port")
    parser.add_argument("--base-model", default="all-MiniLM-L6-v2", help="as in rag.models")
    parser.add_argument("--model", type=Path, help="a tuned model; default: tune one")
    parser.add_argument("--output", type=Path, help="also write the figures to this JSON file")
    parser.add_argument(
        "--work-dir", type=Path, default=_WORK_DIR, help="keeps tuned models (%(default)s)"
    )
    parser.add_argument(
        "--cross-encoder-epochs",
        type=_epochs,
        default=CROSS_ENCODER_EPOCHS,
        metavar="N",
        help="passes of the cross-encoder's training, 0 for none (%(default)s)",
    )
    ReadOptions.add_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        arguments.options = ReadOptions.from_arguments(arguments)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def _epochs(text: str) -> float:
    bounds = BOUNDS["cross_encoder_epochs"]
    try:
        epochs = float(text)
    except ValueError:
        epochs = math.nan
    if epochs not in bounds:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number {bounds}")
    return epochs


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "split": "test",
        "questions": evaluation.questions,
        "chunks": evaluation.chunks,
        "documents": evaluation.documents,
        "metrics": evaluation.rows,
        "encode_rate_windows_per_second": evaluation.encode_rates,
        "note": evaluation.note,
    }


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
