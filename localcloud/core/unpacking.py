"""Unpacks an engine's archives, and moves the result into the cache of the machine.

Owns the permissions, which let another user run the engine, and the marker of a complete folder.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Final

from localcloud.core.errors import LocalCloudError

__all__ = ["UnpackError", "is_complete", "move_into_place", "open_folders", "unzip"]

_MARKER: Final = ".complete"


class UnpackError(LocalCloudError):
    """The unpacked engine cannot be moved into the cache."""


def is_complete(home: Path) -> bool:
    """Return whether `move_into_place` has made this folder."""
    return (home / _MARKER).is_file()


def unzip(archive: Path, target: Path) -> None:
    """Unpack a zip whose digest was checked; every user may read its files."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(target)
        for item in file.infolist():
            mode = (item.external_attr >> 16) & 0o777
            if mode and not item.is_dir():
                (target / item.filename).chmod(mode | 0o444 | ((mode & 0o100) and 0o011))


def open_folders(home: Path) -> None:
    """Let every user enter the folders."""
    for folder in [home, *(path for path in home.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)


def move_into_place(built: Path, home: Path) -> Path:
    """Move a complete folder to its place in the cache, and return that.

    Raises:
        UnpackError: The disk refuses.
    """
    (built / _MARKER).touch()
    if home.exists() and not is_complete(home):
        shutil.rmtree(home)
    try:
        built.rename(home)
    except OSError as error:
        # Another fetch was quicker, and its result is identical.
        if not is_complete(home):
            raise UnpackError(
                f"{built} could not be moved to {home}: {error}. Check the disk and the owner of "
                f"{home.parent}"
            ) from error
    return home
