"""Blob files: the bytes of objects and parts, one write-once file each.

Owns the files below ``HOME/cloud/oss/blobs``. Does not own which object a blob belongs to; that is
in the database. A blob counts only after a committed row names it. A blob without a row is left
over from a kill, and ``sweep`` removes it at start.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from localcloud.oss.checksums import Checksums
from localcloud.oss.models import Content, Segment

CHUNK_BYTES = 1024 * 1024


class BlobWriter:
    """A blob that is being written.

    A context manager that removes the file on exit unless ``finish`` was called.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb", buffering=0)
        self._checksums = Checksums()
        self._finished = False

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._finished:
            self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._checksums.update(data)

    def finish(self) -> Content:
        """Make the bytes durable and return their description."""
        checksums = self._checksums
        name = ""
        if checksums.size:
            os.fsync(self._file.fileno())
            self._finished = True
            name = self._path.name
        return Content(blob=name, size=checksums.size, md5=checksums.md5, crc64=checksums.crc64)


class BlobStore:
    """The blob files below one folder.

    A blob that is being read is pinned, so it is removed only when its last reader is done.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._pins: Counter[str] = Counter()
        self._doomed: set[str] = set()

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / name

    def writer(self) -> BlobWriter:
        """Return a writer for a new blob."""
        path = self._path(uuid.uuid4().hex)
        path.parent.mkdir(exist_ok=True)
        return BlobWriter(path)

    def pin(self, names: Iterable[str]) -> None:
        """Keep blobs until ``unpin``."""
        with self._lock:
            self._pins.update(names)

    def unpin(self, names: Iterable[str]) -> None:
        """Unpin blobs; remove those that were discarded in the meantime."""
        with self._lock:
            self._pins.subtract(names)
            for name in [name for name in self._doomed if self._pins[name] <= 0]:
                self._doomed.discard(name)
                self._path(name).unlink(missing_ok=True)
            self._pins = +self._pins

    def discard(self, names: Iterable[str]) -> None:
        """Remove blobs that no row names any longer."""
        with self._lock:
            for name in names:
                if self._pins[name] > 0:
                    self._doomed.add(name)
                else:
                    self._path(name).unlink(missing_ok=True)

    def sweep(self, named: set[str]) -> int:
        """Remove every blob that is not in ``named``; return how many.

        Call it only at the start of the server, before anything is written.
        """
        removed = 0
        for path in self._root.glob("*/*"):
            if path.name not in named:
                path.unlink()
                removed += 1
        return removed

    def chunks(self, segments: Sequence[Segment], start: int, length: int) -> Iterator[bytes]:
        """Yield bytes ``start`` to ``start + length`` of the concatenated segments.

        Yields:
            At most ``CHUNK_BYTES`` at a time.

        Raises:
            OSError: A blob is missing or shorter than its segment.
        """
        for segment in segments:
            if start >= segment.length:
                start -= segment.length
                continue
            wanted = min(length, segment.length - start)
            with self._path(segment.blob).open("rb", buffering=0) as file:
                file.seek(start)
                while wanted:
                    data = file.read(min(wanted, CHUNK_BYTES))
                    if not data:
                        raise OSError(f"blob {segment.blob} ends {wanted} bytes early")
                    wanted -= len(data)
                    length -= len(data)
                    yield data
            start = 0
            if not length:
                return


class ObjectStream:
    """A range of an object's bytes, readable until closed.

    Its blobs are pinned from the start, so an overwrite or a delete does not disturb the reader.

    Args:
        blobs: The store of the blobs.
        segments: The object's segments.
        start: First byte.
        length: Number of bytes.
    """

    def __init__(
        self, blobs: BlobStore, segments: Sequence[Segment], start: int, length: int
    ) -> None:
        self.length = length
        self._blobs = blobs
        self._names = [segment.blob for segment in segments]
        self._closed = False
        blobs.pin(self._names)
        self._chunks = blobs.chunks(segments, start, length)

    def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        return next(self._chunks, b"")

    def close(self) -> None:
        """Unpin the blobs; a second call has no effect."""
        if not self._closed:
            self._closed = True
            self._chunks = iter(())
            self._blobs.unpin(self._names)

    def __enter__(self) -> ObjectStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks
