"""Lists the files below `docs/` of a corpus folder, and says of each whether it can be a document.

Owns which files are documents, by name, kind, size and format, and the reason for each other file.
Opens no file: a named pipe would block. Does not read documents (`rag.readers`).

Links to files and folders are followed if they stay inside the corpus folder. Each folder is listed
once, so links cannot lead in a circle.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rag.errors import CorpusError
from rag.outcomes import LeftOut, Outcome
from rag.readers import DEFAULT_MAX_BYTES, READERS
from rag.readers.refused import unsupported

__all__ = ["DOCUMENTS", "MAX_KEY_BYTES", "CorpusFile", "Listing", "escaped", "list_documents"]

DOCUMENTS = "docs"
MAX_KEY_BYTES = 1023 - len("corpus/")
"""Longest key: an object's key has at most 1,023 bytes, and the corpus is below ``corpus/``
(https://help.aliyun.com/zh/oss/user-guide/object-naming-conventions, read 2026-11)."""

_SYSTEM_FILES = frozenset({"desktop.ini", "thumbs.db", "ehthumbs.db", "icon\r"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_LINK_OUT = "a link that leads out of the corpus folder"
_LINK_UP = "a link to a folder that contains the link"
_LISTED = "a link to a folder that is listed in another place"


@dataclass(frozen=True, kw_only=True)
class CorpusFile:
    """One document's file.

    Attributes:
        key: ``docs/...``, relative to the corpus folder, exactly as the folder has it.
        path: The file.
        size_bytes: Its size.
        sha256: From the manifest; None without a manifest (see `rag.corpus.sha256_of`).
    """

    key: str
    path: Path
    size_bytes: int
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Every file below `docs/`.

    Attributes:
        files: The documents, sorted by key.
        left_out: The others with the reason, sorted by name. A folder that is skipped is one entry.
    """

    files: tuple[CorpusFile, ...]
    left_out: tuple[LeftOut, ...]


def list_documents(root: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Listing:
    """List the files below `docs/` of a corpus folder.

    Args:
        root: The corpus folder. `docs` itself may be a link to anywhere.
        max_bytes: Largest document.

    Raises:
        CorpusError: There is no folder `docs/`, or it cannot be opened.
    """
    folder = root / DOCUMENTS
    if not folder.is_dir():
        raise CorpusError(
            f"{root} has no folder {DOCUMENTS}/. Create it and put the documents to search there."
        )
    walk = _Walk(inside=(os.path.realpath(root), os.path.realpath(folder)), max_bytes=max_bytes)
    walk.run(str(folder))
    return Listing(
        files=tuple(sorted(walk.files, key=lambda file: file.key)),
        left_out=tuple(sorted(walk.left_out, key=lambda left: left.name)),
    )


def escaped(name: str) -> str:
    """Return a file's name with the bytes that are not UTF-8 written as ``\\xb1``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass
class _Walk:
    """One pass over the folder: first what is really in it, then the folders behind links."""

    inside: Sequence[str]
    max_bytes: int
    files: list[CorpusFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    _listed: set[tuple[int, int]] = field(default_factory=set)
    _folders: list[tuple[str, str]] = field(default_factory=list)
    _links: deque[tuple[str, str]] = field(default_factory=deque)

    def run(self, folder: str) -> None:
        self._folders.append((DOCUMENTS, folder))
        while self._folders or self._links:
            if not self._folders:
                self._folders.append(self._links.popleft())
            self._folder(*self._folders.pop())

    def _leave_out(self, key: str, outcome: Outcome, reason: str) -> None:
        self.left_out.append(LeftOut(name=escaped(key), outcome=outcome, reason=reason))

    def _folder(self, key: str, path: str) -> None:
        try:
            status = Path(path).stat()
            if (status.st_dev, status.st_ino) in self._listed:
                self._leave_out(f"{key}/", Outcome.SKIPPED, _LISTED)
                return
            self._listed.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if key == DOCUMENTS:
                raise CorpusError.of_unopened(path, error) from error
            self._leave_out(f"{key}/", Outcome.UNREAD, _unopened(error, "folder"))
            return
        for entry in found:
            try:
                self._entry(f"{key}/{entry.name}", entry)
            except OSError as error:
                self._leave_out(f"{key}/{entry.name}", Outcome.UNREAD, _unopened(error, "file"))

    def _entry(self, key: str, entry: os.DirEntry[str]) -> None:
        is_folder = entry.is_dir(follow_symlinks=False)
        reason = _skipped_by_name(entry.name, is_folder=is_folder)
        if reason:
            self._leave_out(f"{key}/" if is_folder else key, Outcome.SKIPPED, reason)
        elif is_folder:
            self._folders.append((key, entry.path))
        elif entry.is_symlink():
            self._link(key, entry.path)
        else:
            self._file(key, entry.path)

    def _link(self, key: str, path: str) -> None:
        target = os.path.realpath(path, strict=True)
        if not any(_contains(folder, target) for folder in self.inside):
            self._leave_out(key, Outcome.SKIPPED, _LINK_OUT)
        elif not Path(target).is_dir():
            self._file(key, path)
        elif _contains(target, os.path.realpath(Path(path).parent)):
            self._leave_out(key, Outcome.SKIPPED, _LINK_UP)
        else:
            # After the real folders, so that a document's key does not depend on the links to it.
            self._links.append((key, path))

    def _file(self, key: str, path: str) -> None:
        status = Path(path).stat()
        kind = stat.S_IFMT(status.st_mode)
        if kind != stat.S_IFREG:
            self._leave_out(key, Outcome.SKIPPED, _KINDS.get(kind, "not a file"))
            return
        reason = self._refusal(key, path, status.st_size)
        if reason:
            self._leave_out(key, Outcome.UNREAD, reason)
        else:
            self.files.append(CorpusFile(key=key, path=Path(path), size_bytes=status.st_size))

    def _refusal(self, key: str, path: str, size: int) -> str:
        """Return why a file cannot be a document; empty if it can."""
        encoded = os.fsencode(key)
        suffix = PurePosixPath(key).suffix.lower()
        if escaped(key) != key:
            return "its name is not UTF-8; rename it"
        if len(encoded) > MAX_KEY_BYTES:
            return f"its name and folders have more than {MAX_KEY_BYTES:,} bytes; shorten them"
        if suffix not in READERS:
            return unsupported(suffix)
        if not size:
            return "the file is empty"
        if size > self.max_bytes:
            return f"the file has more than {self.max_bytes:,} bytes"
        if not os.access(path, os.R_OK):
            return "the file cannot be opened: Permission denied"
        return ""


def _skipped_by_name(name: str, *, is_folder: bool) -> str:
    """Return why a file or folder of this name is skipped; empty if it is not."""
    kind = "folder" if is_folder else "file"
    if name.startswith("."):
        return f"a hidden {kind}"
    if name.lower() in (_SYSTEM_FOLDERS if is_folder else _SYSTEM_FILES):
        return f"a {kind} of the operating system"
    if name.startswith("~$") and not is_folder:
        return "a lock file of an office program"
    return ""


def _contains(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _unopened(error: OSError, kind: str) -> str:
    if error.errno == errno.ENOENT:
        return "a link to a file that does not exist"
    if error.errno == errno.ELOOP:
        return "a link that leads to itself"
    return f"the {kind} cannot be opened: {error.strerror or error}"
