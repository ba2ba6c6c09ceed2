"""The export of a saved embedding model as the zip that OpenSearch's ml-commons registers.

Owns what is traced, the checks and the values of the register call. The zip holds `model.pt` and
`tokenizer.json`. The module takes `{"input_ids", "attention_mask"}`, each (batch, tokens) int64,
and returns `{"sentence_embedding"}`, (batch, dimension) float32, L2-normalised: ml-commons adds
nothing to it (`framework_type` sentence_transformers). Pooling is the model's own. `rag.encoder`
gives the same vectors. Prefixes are not in the zip: the caller puts them before each text.

Source: `SentenceTransformerTranslator` and `TextEmbeddingModel` of ml-commons 2.19 and 3.x (read
2026-11).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer

from rag.cpu_encoder import quiet_tracing
from training.torchscript.archive import file_format_version, pack, write_canonical
from training.torchscript.errors import TorchScriptError
from training.torchscript.operators import check_file_format, check_operators

__all__ = ["MAX_DIFFERENCE", "TorchScript", "export_torchscript", "trace_model"]

MAX_DIFFERENCE = 1e-4
"""The largest difference of a component between the export's vectors and the model's."""
_MOST_TOKENS = 512
"""DJL's tokenizer cuts at 512 tokens, whatever tokenizer.json says: ml-commons sets no other
`modelMaxLength`. Source: `HuggingFaceTokenizer` of DJL 0.31.1, seen in its bytecode."""
_MOST_BYTES = 4 * 1024**3
"""ml-commons refuses larger zips: "Model file size exceeds the limit of 4GB"."""
_INPUTS = ("input_ids", "attention_mask")
_PROBES = (
    "How do I clear alarm W7?",
    "北京的冬天有多冷?",
    "",
    "Error 0x80070057: E_INVALIDARG (-2147024809), see <https://example.invalid/a?b=c#d>.",
    # Longer than 512 tokens, so that the truncation is compared, too.
    "The pump of the second line is checked every thirty days by the operator on duty. " * 60,
)


@dataclass(frozen=True, kw_only=True)
class TorchScript:
    """A zip for ml-commons.

    Attributes:
        path: The zip.
        sha256: `model_content_hash_value` of the register call.
        size_bytes: Its size.
        libtorch_version: The version that has every operator of the graph.
        max_tokens: Tokens of a text, special ones included; longer text is cut.
        query_prefix: Text that the model expects before a question.
        passage_prefix: Text that the model expects before a passage.
        model_config: `model_config` of the register call.
    """

    path: Path
    sha256: str
    size_bytes: int
    libtorch_version: str
    max_tokens: int
    query_prefix: str
    passage_prefix: str
    model_config: dict[str, Any]


def export_torchscript(model_dir: Path, target: Path, libtorch_version: str) -> TorchScript:
    """Write the zip for a saved model; the same model and torch always give the same bytes.

    Args:
        model_dir: The model, as `SentenceTransformer.save_pretrained` saves it.
        target: The zip to write. It is complete or not there at all.
        libtorch_version: What must load it, one of `training.bounds.LIBTORCH_VERSIONS`.

    Raises:
        TorchScriptError: The model cannot be exported, or not for this libtorch.
        ValueError: The version of libtorch is not known.
    """
    model = SentenceTransformer(
        str(model_dir),
        device="cpu",
        # Other kinds of attention use operators that old versions of libtorch lack.
        model_kwargs={"attn_implementation": "eager"},
    )
    model.float().eval()
    tokens = _max_tokens(model)
    prompts = model.prompts or {}
    query_prefix, passage_prefix = prompts.get("query") or "", prompts.get("document") or ""
    _refuse_prompt_dependent_pooling(model, query_prefix, passage_prefix)
    with tempfile.TemporaryDirectory(prefix="torchscript-") as scratch:
        folder = Path(scratch)
        files = {"model.pt": folder / "model.pt", "tokenizer.json": folder / "tokenizer.json"}
        _write_module(model, files["model.pt"], folder / "saved.pt", libtorch_version)
        _write_tokenizer(model, files["tokenizer.json"], tokens)
        _compare(model, files["model.pt"], files["tokenizer.json"])
        pack(files, folder / "packed.zip")
        size = (folder / "packed.zip").stat().st_size
        if size > _MOST_BYTES:
            raise TorchScriptError(
                f"the zip has {size} bytes, and ml-commons takes at most {_MOST_BYTES}. Choose a "
                f"smaller base model, or let OpenSearch call the embedding service."
            )
        sha256 = _copy(folder / "packed.zip", target)
    return TorchScript(
        path=target,
        sha256=sha256,
        size_bytes=size,
        libtorch_version=libtorch_version,
        max_tokens=tokens,
        query_prefix=query_prefix,
        passage_prefix=passage_prefix,
        model_config=_model_config(model),
    )


class _Embedder(torch.nn.Module):
    """The model as a function of token ids, pooling and normalization included."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.steps = torch.nn.Sequential(*model)

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        embedding = self.steps({name: features[name] for name in _INPUTS})["sentence_embedding"]
        return {"sentence_embedding": torch.nn.functional.normalize(embedding, dim=1)}


def trace_model(model: SentenceTransformer) -> torch.jit.ScriptModule:
    """Return the model as a frozen TorchScript: one graph, with the weights as constants.

    Args:
        model: On the CPU, in evaluation mode.

    Raises:
        TorchScriptError: torch cannot trace it.
    """
    features = model.preprocess(["a few words"])
    example = {name: features[name] for name in _INPUTS}
    trace: Any = torch.jit.trace
    freeze: Any = torch.jit.freeze
    try:
        with quiet_tracing(), torch.no_grad():
            # `_compare` compares vectors, so trace need not check itself.
            traced = trace(_Embedder(model).eval(), (example,), check_trace=False, strict=False)
            frozen: torch.jit.ScriptModule = freeze(traced, optimize_numerics=False)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise TorchScriptError(
            f"torch cannot trace the model: {reason}. Choose another base model, or let OpenSearch "
            f"call the embedding service."
        ) from error
    return frozen


def _write_module(
    model: SentenceTransformer, path: Path, scratch: Path, libtorch_version: str
) -> None:
    module = trace_model(model)
    check_operators(module, libtorch_version)
    with quiet_tracing():
        module.save(str(scratch))
    write_canonical(scratch, path)
    scratch.unlink()
    check_file_format(file_format_version(path), libtorch_version)


def _max_tokens(model: SentenceTransformer) -> int:
    longest = model.max_seq_length
    if not longest or longest > _MOST_TOKENS:
        raise TorchScriptError(
            f"the model reads {longest or 'any number of'} tokens, and OpenSearch cuts every text "
            f"at {_MOST_TOKENS}, so its vectors of long texts would differ. Train with "
            f"--max-seq-length {_MOST_TOKENS} or less."
        )
    return int(longest)


def _refuse_prompt_dependent_pooling(model: SentenceTransformer, *prefixes: str) -> None:
    """Refuse a pooling that leaves out the prefix: in OpenSearch it is a part of the text."""
    for module in model:
        if isinstance(module, Pooling) and not module.include_prompt and any(prefixes):
            raise TorchScriptError(
                "the model's pooling leaves out the prefix, which OpenSearch cannot tell from the "
                "text. Choose another base model, or let OpenSearch call the embedding service."
            )


def _write_tokenizer(model: SentenceTransformer, path: Path, max_tokens: int) -> None:
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise TorchScriptError(
            "the model's tokenizer has no tokenizer.json, which is what OpenSearch reads. Choose a "
            "base model with a fast tokenizer."
        )
    # A copy: the truncation of the model's own one changes with every call.
    tokenizer = Tokenizer.from_str(backend.to_str())
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    path.write_text(tokenizer.to_str(), encoding="utf-8")


def _compare(model: SentenceTransformer, module_path: Path, tokenizer_path: Path) -> None:
    """Compare the written files with the model, as ml-commons uses them: one text at a time.

    Raises:
        TorchScriptError: A vector differs by more than `MAX_DIFFERENCE`.
    """
    expected = np.asarray(
        model.encode(list(_PROBES), prompt="", normalize_embeddings=True, show_progress_bar=False)
    )
    load: Any = torch.jit.load
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    with quiet_tracing(), torch.no_grad():
        module = load(str(module_path), map_location="cpu").eval()
        for text, vector in zip(_PROBES, expected, strict=True):
            encoding = tokenizer.encode(text)
            inputs = {
                "input_ids": torch.tensor([encoding.ids]),
                "attention_mask": torch.tensor([encoding.attention_mask]),
            }
            found = module(inputs)["sentence_embedding"][0].numpy()
            difference = float(np.abs(found - vector).max())
            # Written so that NaN fails.
            if not difference <= MAX_DIFFERENCE:
                raise TorchScriptError(
                    f"the traced model gives another vector than the model for {text[:40]!r}: a "
                    f"component differs by {difference:g}, and {MAX_DIFFERENCE:g} is allowed. "
                    f"Choose another base model, or let OpenSearch call the embedding service."
                )


def _copy(source: Path, target: Path) -> str:
    """Copy a file, so that `target` is whole or not there, and return the SHA-256 of the copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with source.open("rb") as stream, partial.open("wb") as output:
        shutil.copyfileobj(stream, output, 1 << 20)
        output.flush()
        os.fsync(output.fileno())
    with partial.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    partial.replace(target)
    return digest


def _model_config(model: SentenceTransformer) -> dict[str, Any]:
    transformer: Any = model[0]
    config = transformer.auto_model.config
    # The others are of this machine: the folder, the attention, the library.
    described = {
        name: value
        for name, value in config.to_diff_dict().items()
        if not name.startswith("_") and name != "transformers_version"
    }
    return {
        "model_type": str(config.model_type),
        "embedding_dimension": int(model.get_embedding_dimension() or 0),
        "framework_type": "sentence_transformers",
        "all_config": json.dumps(described, sort_keys=True),
    }
