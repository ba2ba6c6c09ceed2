"""Checkpoints that survive a kill, and JSON files that are written atomically.

Owns when a checkpoint counts: once its seal, written last, lists every file with its size and
SHA-256. A folder without a matching seal is incomplete, because of a kill or of a bucket that had
synced only half of it, and is removed. Renaming a folder would not help: on an OSS mount that is a
copy, file by file. Does not own the content of a checkpoint: transformers writes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["last_complete", "read_json", "seal", "write_json"]

SEAL = "complete.json"
PREFIX = "checkpoint-"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically: a reader sees the whole old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; None if there is no such file or no object in it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def seal(checkpoint: Path, fingerprint: str) -> None:
    """Declare a checkpoint complete.

    Args:
        checkpoint: Its folder.
        fingerprint: Of the data and the settings of the run.
    """
    files = {
        path.relative_to(checkpoint).as_posix(): {
            "size_bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.name != SEAL
    }
    write_json(checkpoint / SEAL, {"fingerprint": fingerprint, "files": files})


def last_complete(root: Path, fingerprint: str) -> Path | None:
    """Return the checkpoint to resume from; None to start from the beginning.

    Removes checkpoints that are incomplete, damaged, or of other data or settings.

    Args:
        root: Folder of the checkpoints; need not exist.
        fingerprint: As given to `seal`.
    """
    last: Path | None = None
    for checkpoint in sorted(root.glob(f"{PREFIX}*"), key=_step):
        if _step(checkpoint) >= 0 and _is_complete(checkpoint, fingerprint):
            last = checkpoint
        else:
            shutil.rmtree(checkpoint, ignore_errors=True)
    return last


def _is_complete(checkpoint: Path, fingerprint: str) -> bool:
    content = read_json(checkpoint / SEAL)
    if content is None or content.get("fingerprint") != fingerprint or not content.get("files"):
        return False
    for name, entry in content["files"].items():
        path = checkpoint / name
        if not path.is_file() or path.stat().st_size != entry["size_bytes"]:
            return False
        if _sha256(path) != entry["sha256"]:
            return False
    return True


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.removeprefix(PREFIX)
    return int(number) if number.isdigit() else -1


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
