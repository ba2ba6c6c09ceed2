"""A text embedding model of a few kilobytes, as the zip that OpenSearch's ml-commons registers.

Its vectors mean nothing, but torch computes the same. It is made at once, unlike an export by
`training.torchscript`.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

__all__ = ["DIMENSION", "MODEL_CONFIG", "SmallModel", "write_small_model"]

DIMENSION = 8
MODEL_CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "embedding_dimension": DIMENSION,
    "framework_type": "sentence_transformers",
    "all_config": "{}",
}
_WORDS = ("[UNK]", "alarm", "clear", "pump", "valve", "winter", "cold")


class _Embedder(torch.nn.Module):
    """The normalized mean of a vector for each word."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        weights = torch.randn(len(_WORDS), DIMENSION, generator=generator)
        self.words = torch.nn.Embedding.from_pretrained(weights)

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        mask = features["attention_mask"].unsqueeze(-1).float()
        mean = (self.words(features["input_ids"]) * mask).sum(1) / mask.sum(1)
        return {"sentence_embedding": torch.nn.functional.normalize(mean, dim=1)}


@dataclass(frozen=True, kw_only=True)
class SmallModel:
    """The model.

    Attributes:
        path: The zip.
        sha256: Its SHA-256.
        module: What is in it.
        tokenizer: Its tokenizer.
    """

    path: Path
    sha256: str
    module: torch.nn.Module
    tokenizer: Tokenizer

    def embed(self, text: str) -> list[float]:
        """Return torch's vector of a text, `DIMENSION` floats."""
        ids = torch.tensor([self.tokenizer.encode(text).ids])
        features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        found: list[float] = self.module(features)["sentence_embedding"][0].tolist()
        return found


def write_small_model(path: Path, seed: int = 0) -> SmallModel:
    """Write the zip; another seed gives another model."""
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(_WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    module = _Embedder(seed).eval()
    ids = torch.ones(1, 3, dtype=torch.long)
    features = {"input_ids": ids, "attention_mask": ids}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # torch.jit is deprecated, but nothing else makes a TorchScript.
        warnings.simplefilter("ignore")
        script: Any = torch.jit.trace(module, (features,), strict=False)  # type: ignore[no-untyped-call]
        torch.jit.save(script, buffer)  # type: ignore[no-untyped-call]
    write_zip(path, {"model.pt": buffer.getvalue(), "tokenizer.json": tokenizer.to_str().encode()})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return SmallModel(path=path, sha256=digest, module=module, tokenizer=tokenizer)


def write_zip(path: Path, files: dict[str, bytes]) -> str:
    """Write a zip that every account may read; return its SHA-256."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.chmod(0o644)
    return hashlib.sha256(path.read_bytes()).hexdigest()
