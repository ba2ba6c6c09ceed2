"""Run an exported TorchScript in another torch, and compare its vectors with the model's.

1. In the project's environment, write the zip and the vectors (torch, single precision):

    python -m benchmarks.torchscript_versions write --model all-MiniLM-L6-v2 --folder /tmp/compare

2. In an environment with the other torch, and the tokenizers that ml-commons' DJL 0.31.1 carries:

    uv venv --python 3.11 /tmp/torch-1.13.1
    uv pip install --python /tmp/torch-1.13.1/bin/python torch==1.13.1 "numpy<2" tokenizers==0.20.3
    /tmp/torch-1.13.1/bin/python benchmarks/torchscript_versions.py compare --folder /tmp/compare

The second step needs nothing of this project, and uses the zip as ml-commons does: one text at a
time. Exit status 1: a component differs by more than 1e-4.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path

MAX_DIFFERENCE = 1e-4
TEXTS = (
    "How do I clear alarm W7?",
    "北京的冬天有多冷?",
    "",
    " \n\t",
    "Größe, naïveté, Ωmega, 🚀 and ﬁne ligatures",
    "The pump of the second line is checked every thirty days by the operator on duty. " * 60,
    "第二条生产线的水泵每三十天由值班操作员检查一次。" * 60,
)


def write(model: str, folder: Path) -> None:
    """Write zip and vectors into `folder`."""
    from sentence_transformers import SentenceTransformer

    from rag.models import resolve_model
    from training.bounds import LIBTORCH_VERSIONS
    from training.torchscript.export import export_torchscript

    path = resolve_model(model)
    for version in LIBTORCH_VERSIONS:
        started = time.monotonic()
        written = export_torchscript(Path(path), folder / "model.zip", version)
        seconds = time.monotonic() - started
        print(f"{version}: {written.size_bytes} bytes, {seconds:.1f} s, SHA-256 {written.sha256}")
    texts = [written.passage_prefix + text for text in TEXTS]
    vectors = SentenceTransformer(path, device="cpu").encode(
        texts, prompt="", normalize_embeddings=True, show_progress_bar=False
    )
    content = {"texts": texts, "vectors": vectors.tolist()}
    (folder / "vectors.json").write_text(json.dumps(content), encoding="utf-8")


def compare(folder: Path) -> int:
    """Print how far the vectors of the zip are from the written ones."""
    import torch
    from tokenizers import Tokenizer

    expected = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(folder / "model.zip") as archive:
            archive.extractall(scratch)
        module = torch.jit.load(str(Path(scratch, "model.pt")))
        tokenizer = Tokenizer.from_file(str(Path(scratch, "tokenizer.json")))
    module.eval()
    worst = 0.0
    for text, vector in zip(expected["texts"], expected["vectors"], strict=True):
        encoding = tokenizer.encode(text)
        inputs = {
            "input_ids": torch.tensor([encoding.ids]),
            "attention_mask": torch.tensor([encoding.attention_mask]),
        }
        with torch.no_grad():
            found = module(inputs)["sentence_embedding"][0]
        difference = float((found - torch.tensor(vector)).abs().max())
        worst = max(worst, difference)
        print(f"{len(encoding.ids):4} tokens, largest difference {difference:.2e}: {text[:30]!r}")
    print(f"torch {torch.__version__}: largest difference {worst:.2e}")
    return int(not worst <= MAX_DIFFERENCE)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("write", "compare"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    options = parser.parse_args()
    if options.step == "compare":
        return compare(options.folder)
    write(options.model, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
