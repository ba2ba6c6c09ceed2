"""The export as a step of the training job: what result.json says about it.

A model that cannot be exported is a result, too: the training that found it is worth keeping, and a
stack without ml-commons does not need the zip. So a refusal is recorded, with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.bounds import NO_TORCHSCRIPT
from training.checkpoints import read_json, write_json
from training.torchscript.errors import TorchScriptError
from training.torchscript.export import TorchScript, export_torchscript

__all__ = ["add_torchscript", "update_torchscript"]

_FILE = "torchscript/model.zip"


def add_torchscript(
    output: Path, result: dict[str, Any], libtorch_version: str, report: Callable[[str], None]
) -> None:
    """Export the kept model, and describe the zip in `result`.

    Args:
        output: Folder of the job's output, with the model at `model_prefix`.
        result: The content of result.json. Gets `torchscript`, and the zip among its `files`.
        libtorch_version: What must load it; `training.bounds.NO_TORCHSCRIPT`: write nothing.
        report: Receives a line about it.
    """
    result["torchscript"] = None
    result["files"].pop(_FILE, None)
    if libtorch_version != NO_TORCHSCRIPT:
        started = time.monotonic()
        try:
            written = export_torchscript(
                output / result["model_prefix"], output / _FILE, libtorch_version
            )
        except TorchScriptError as error:
            result["torchscript"] = {"libtorch_version": libtorch_version, "refused": str(error)}
            report(f"no TorchScript for OpenSearch: {error}")
        else:
            seconds = round(time.monotonic() - started, 1)
            result["torchscript"] = {**_described(written), "seconds": seconds}
            result["files"][_FILE] = written.size_bytes
            report(
                f"TorchScript for libtorch {libtorch_version}: {written.size_bytes / 1e6:.0f} MB, "
                f"{seconds} s"
            )
    if _FILE not in result["files"]:
        (output / _FILE).unlink(missing_ok=True)


def update_torchscript(
    output: Path, result: dict[str, Any], libtorch_version: str, report: Callable[[str], None]
) -> bool:
    """Bring a finished job's export up to date, from its kept model.

    Args:
        output, libtorch_version, report: As in `add_torchscript`.
        result: The content of result.json; changed.

    Returns:
        Whether anything had to be done: the export was for another libtorch, or its file is gone.
    """
    entry = result.get("torchscript") or {"libtorch_version": NO_TORCHSCRIPT}
    zip_size = result["files"].get(_FILE)
    if entry["libtorch_version"] == libtorch_version and zip_size == _size(output / _FILE):
        return False
    add_torchscript(output, result, libtorch_version, report)
    metrics = read_json(output / "metrics.json") or {}
    write_json(output / "metrics.json", {**metrics, **result})
    write_json(output / "result.json", result)
    return True


def _described(written: TorchScript) -> dict[str, Any]:
    return {
        "libtorch_version": written.libtorch_version,
        "path": _FILE,
        "sha256": written.sha256,
        "size_bytes": written.size_bytes,
        "max_tokens": written.max_tokens,
        "query_prefix": written.query_prefix,
        "passage_prefix": written.passage_prefix,
        "model_config": written.model_config,
    }


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
