"""The store of the local OSS: blobs, database, buckets, objects, uploads, listing.

Owns opening and closing the store. Only one process can open it, because a second server would
remove the blobs that the first one is writing.
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
    """Raised if another process has opened the store."""


class Storage:
    """All data of the local OSS, below one folder.

    Args:
        root: The folder (``HOME/cloud/oss``).
        clock: Seconds since the epoch.

    Raises:
        StorageInUseError: Another process has opened it.
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
        """Store bytes in a blob, and remove it again if the ``with`` block fails."""
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
        """Prevent writes within the ``with`` block, so that found versions still exist in it."""
        with self._database.reading():
            yield

    def close(self) -> None:
        """Close the store, so that another process can open it."""
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
