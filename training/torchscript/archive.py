"""The files of the export, with bytes that depend on the model and torch's version only.

Owns the TorchScript file and the zip around it. The SHA-256 of the zip decides whether a cluster
registers the model again, so equal models must give equal zips.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from typing import IO

__all__ = ["file_format_version", "pack", "write_canonical"]

# The earliest time that a zip can store.
_EPOCH = (1980, 1, 1, 0, 0, 0)
# torch numbers equally named types through the life of a process.
_TYPE_NUMBER = re.compile(rb"[./]___torch_mangle_\d+")


def write_canonical(saved: Path, target: Path) -> None:
    """Copy a frozen TorchScript file without what differs between two runs.

    That is: the numbers in the names of its types, the source lines of the Python that was traced
    (with the paths of this machine), the inputs of the trace, and the hash of all this.

    Args:
        saved: As `torch.jit.save` wrote it.
        target: The file to write.

    Raises:
        ValueError: The module is not frozen. Without their numbers, its types may be equal.
    """
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w") as archive:
        names = [name for name in source.namelist() if not _differs(name)]
        code = [name for name in names if name.endswith(".py")]
        if len(code) != 1:
            raise ValueError(f"the TorchScript has {len(code)} modules of code; freeze it first")
        for name in names:
            rest = name.partition("/")[2]
            target_name = f"model/{_without_numbers(rest.encode()).decode()}"
            if name in code or rest == "data.pkl":
                archive.writestr(_entry(target_name), _without_numbers(source.read(name)))
            else:
                with source.open(name) as stream:
                    _store(archive, target_name, stream, source.getinfo(name).file_size)


def file_format_version(path: Path) -> int:
    """Return the version of the format of a TorchScript file."""
    with zipfile.ZipFile(path) as archive:
        return int(archive.read("model/.data/version"))


def pack(files: dict[str, Path], target: Path) -> None:
    """Write a zip of `files`, by name in the zip, that depends on names and contents only.

    Nothing is compressed: weights hardly shrink, and another zlib would give other bytes.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for name, path in sorted(files.items()):
            with path.open("rb") as stream:
                _store(archive, name, stream, path.stat().st_size)


def _differs(name: str) -> bool:
    rest = name.partition("/")[2]
    return (
        rest.endswith(".debug_pkl")
        or rest.startswith("traced_inputs")
        or rest == ".data/serialization_id"
    )


def _without_numbers(content: bytes) -> bytes:
    return _TYPE_NUMBER.sub(b"", content)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.external_attr = 0o644 << 16
    return entry


def _store(archive: zipfile.ZipFile, name: str, stream: IO[bytes], size: int) -> None:
    entry = _entry(name)
    # Known before, so that the header has it, and a file over 2 GiB gets the large one.
    entry.file_size = size
    with archive.open(entry, "w") as output:
        shutil.copyfileobj(stream, output, 1 << 20)
