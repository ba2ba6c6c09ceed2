"""The store of the local OSS, put together: blobs, database, buckets, objects, uploads, listing.

Owns opening and closing it, and that only one process has it open: a second server would sweep
away what the first is writing.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from localcloud.oss.blobs import BlobStore
from localcloud.oss.buckets import Buckets
from localcloud.oss.database import Database
from localcloud.oss.listing import Listing
from localcloud.oss.models import Content
from localcloud.oss.objects import Objects
from localcloud.oss.uploads import Uploads

_LOCK_SECONDS = 10.0


class StorageInUseError(RuntimeError):
    """Another process has the store open."""


class Storage:
    """Everything the local OSS keeps, below one folder.

    Args:
        root: The folder (``HOME/cloud/oss``).
        clock: Seconds since the epoch.

    Raises:
        StorageInUseError: Another process has it open.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self._lock = _exclusive(root / "lock")
        self.blobs = BlobStore(root / "blobs")
        self._database = Database(root / "metadata.db", self.blobs)
        self.buckets = Buckets(self._database, clock)
        self.objects = Objects(self._database, self.blobs, clock)
        self.uploads = Uploads(self._database, clock)
        self.listing = Listing(self._database)
        self.swept_blobs = self.blobs.sweep(self._database.named_blobs())

    @contextmanager
    def receive(self, chunks: Iterator[bytes]) -> Iterator[Content]:
        """Store bytes in a blob; it is removed again when the body of the ``with`` raises."""
        with self.blobs.writer() as writer:
            for chunk in chunks:
                writer.write(chunk)
            content = writer.finish()
        try:
            yield content
        except BaseException:
            self.blobs.discard(name for name in (content.blob,) if name)
            raise

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nobody writes meanwhile: what was found in the ``with`` is still there later in it."""
        with self._database.reading():
            yield

    def reset(self) -> None:
        """Forget everything; for tests."""
        with self._database.transaction() as transaction:
            for table in (
                "parts",
                "uploads",
                "segments",
                "versions",
                "bucket_configurations",
                "buckets",
            ):
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        self.blobs.sweep(set())

    def close(self) -> None:
        """Close it, so that another process may open it."""
        self._database.close()
        self._lock.close()


def _exclusive(path: Path) -> TextIO:
    file = path.open("a")
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > deadline:
                file.close()
                raise StorageInUseError(
                    f"{path.parent} is in use by another OSS server; stop it first"
                ) from error
            time.sleep(0.1)
        else:
            return file
