"""Compare encoding by OpenVINO with torch, in one run on the same cores.

    python -m benchmarks.encoder [--corpus DIR] [--model NAME] [--passages 256] [--rounds 3]

Each round encodes the same passages with each runtime, so that a busy machine slows down all of
them alike. Prints chunks per second, milliseconds for one question, the lowest cosine to torch in
fp32, and the speed relative to it. Torch in bf16 is for information, on a processor with native
bf16 only: others emulate it, many times slower than fp32.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from rag.cores import available_cores
from rag.cpu_encoder import compile_for_cpu
from rag.models import resolve_model

_QUESTION = "How long is the incubation period of the virus?"
_PASSAGE_CHARACTERS = 1000
_QUESTIONS_PER_ROUND = 20

Encode = Callable[[Sequence[str]], Any]


def passages(corpus: Path | None, count: int) -> list[str]:
    """Cut `count` passages of about 1,000 characters from the corpus's text files."""
    folder = corpus / "docs" if corpus else Path(__file__).parents[1] / "examples"
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".md"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    found = [
        # Lengths differ a little, as those of chunks do.
        text[at : at + _PASSAGE_CHARACTERS - at % 97]
        for at in range(0, len(text) - _PASSAGE_CHARACTERS, _PASSAGE_CHARACTERS)
    ]
    if not found:
        raise SystemExit(f"{folder} has too little text. Give a --corpus with .txt or .md files.")
    return [found[i % len(found)] for i in range(count)]


def runtimes(name: str) -> dict[str, Encode]:
    """Return what encodes texts, by the name of the runtime; torch in fp32 is first."""
    model: Any = SentenceTransformer(resolve_model(name), device="cpu")
    compiled = compile_for_cpu(model, threads=available_cores())
    if compiled is None:
        raise SystemExit(f"OpenVINO does not encode {name!r}; see the log line for the reason.")

    def with_torch(texts: Sequence[str], *, bf16: bool) -> Any:
        precision = torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext()
        with precision:
            return model.encode(
                list(texts), prompt="", normalize_embeddings=True, show_progress_bar=False
            )

    found: dict[str, Encode] = {
        "torch fp32": lambda texts: with_torch(texts, bf16=False),
        f"openvino {compiled.precision}": compiled.encode,
    }
    if compiled.precision == "bf16":
        found["torch bf16"] = lambda texts: with_torch(texts, bf16=True)
    return found


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder")
    parser.add_argument("--corpus", type=Path, help="folder with docs/ (default: the examples)")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="as in rag.models")
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = passages(arguments.corpus, arguments.passages)
    encoders = runtimes(arguments.model)
    expected = encoders["torch fp32"](texts)
    cosines = {name: (encode(texts) * expected).sum(axis=1) for name, encode in encoders.items()}
    rates: dict[str, list[float]] = {name: [] for name in encoders}
    latencies: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(arguments.rounds):
        for name, encode in encoders.items():
            started = time.perf_counter()
            encode(texts)
            rates[name].append(len(texts) / (time.perf_counter() - started))
            for _ in range(_QUESTIONS_PER_ROUND):
                started = time.perf_counter()
                encode([_QUESTION])
                latencies[name].append(1000 * (time.perf_counter() - started))
    own = statistics.median(rates["torch fp32"])
    print(f"{len(texts)} passages, {available_cores()} cores, {arguments.rounds} rounds, medians")
    print(f"{'':14}{'chunks/s':>10}{'relative':>10}{'question ms':>13}{'cosine':>9}")
    for name in encoders:
        rate = statistics.median(rates[name])
        print(
            f"{name:14}{rate:10.1f}{rate / own:9.2f}x{statistics.median(latencies[name]):13.1f}"
            f"{np.min(cosines[name]):9.4f}"
        )


if __name__ == "__main__":
    main()
