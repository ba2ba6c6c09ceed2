"""Prepares a language model once per machine: GGUF with 4 bits, GGUF with 8 bits, OpenVINO IR.

Owns: the model in the machine's cache, in the form that loads fastest. It does not run the model.
A tuned adapter takes the same way: merge it into the dequantised matrices, then write them.
docs/adr/0014 has the figures behind 8 bits.

Usage: ``python -m localcloud.dashscope.weights MODEL [--cache DIR]``.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (read 2026-11).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize, quantize

from localcloud.core.home import machine_cache
from localcloud.dashscope.models import MODELS, ServedModel, WeightsError, weights_file
from localcloud.dashscope.runtime import import_genai

__all__ = ["main", "prepared", "write_q8"]

_CONVERT_TIMEOUT_SECONDS: Final = 1200
_REPOSITORY: Final = Path(__file__).resolve().parents[2]


def prepared(model: ServedModel, cache: Path | None = None) -> Path:
    """Return the folder with the model ready to load; create it when it is missing.

    Returns:
        A folder with the model, its tokenizer and its detokenizer as OpenVINO IR.

    Raises:
        WeightsError: The weights are missing or cannot be converted; with the reason.
    """
    target = _target(model, cache)
    if not target.is_dir():
        _convert_in_subprocess(model, target)
    return target


def write_q8(source: Path, target: Path) -> None:
    """Write the GGUF file `source` as `target`, with the same metadata and matrices in Q8_0."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, entry in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # The writer adds these itself.
        kind = entry.types[0]
        item = entry.types[1] if kind == GGUFValueType.ARRAY else None
        value = entry.contents()
        if name == "general.file_type":
            value = int(LlamaFileType.MOSTLY_Q8_0)
        writer.add_key_value(name, value, kind, sub_type=item)
    for tensor in reader.tensors:
        data, precision = tensor.data, tensor.tensor_type
        if precision not in (GGMLQuantizationType.F32, GGMLQuantizationType.Q8_0):
            data = quantize(dequantize(data, precision), GGMLQuantizationType.Q8_0)
            precision = GGMLQuantizationType.Q8_0
        writer.add_tensor(tensor.name, data, raw_dtype=precision)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _target(model: ServedModel, cache: Path | None) -> Path:
    with weights_file(model).open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    # The IR is tied to the library's version, the choice of 8 bits to the name.
    version = importlib.metadata.version("openvino-genai")
    return (cache or machine_cache()) / f"{model.model_id}-{content}-q8-openvino-{version}"


def _convert_in_subprocess(model: ServedModel, target: Path) -> None:
    """Convert in a process of its own, because it takes three times the memory of serving."""
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "localcloud.dashscope.weights",
            model.model_id,
            "--cache",
            str(target.parent),
        ],
        cwd=_REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_CONVERT_TIMEOUT_SECONDS,
        check=False,
    )
    if answer.returncode != 0 or not target.is_dir():
        tail = "\n".join((answer.stdout + answer.stderr).splitlines()[-5:])
        raise WeightsError(
            f"the weights of {model.model_id} could not be converted (exit code "
            f"{answer.returncode}):\n{tail}"
        )


def _convert(model: ServedModel, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as work:
        folder = Path(work) / target.name
        folder.mkdir()
        file = folder / "model.gguf"
        write_q8(weights_file(model), file)
        # Saves the IR beside the file. Half the time of loading a GGUF goes into building it.
        import_genai().LLMPipeline(
            str(file), "CPU", ATTENTION_BACKEND="SDPA", enable_save_ov_model=True
        )
        file.unlink()
        if not target.is_dir():
            folder.rename(target)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.dashscope.weights")
    parser.add_argument("model", choices=sorted(MODELS))
    parser.add_argument("--cache", type=Path, default=None, help="default: the user's cache")
    options = parser.parse_args(arguments)
    model = MODELS[options.model]
    target = _target(model, options.cache)
    if not target.is_dir():
        _convert(model, target)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
