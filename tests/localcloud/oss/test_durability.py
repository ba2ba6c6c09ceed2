"""The store after a kill of the server, and the memory for large objects.

The server runs as its own process. The tests kill it; they do not prove safety on a power failure.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import oss2
import psutil
import pytest
import requests

from localcloud.core.home import Platform, init_home
from localcloud.oss.application import HEALTH_PATH
from localcloud.oss.storage import Storage, StorageInUseError
from tests.localcloud.oss.local_oss import TrackedSession, until

MIB = 1024 * 1024
ROOT = Path(__file__).parents[3]


class ServerProcess:
    """``python -m localcloud.oss serve``."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.connections = TrackedSession()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> psutil.Process:
        """Start the server and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.oss", "serve", "--home", self.platform.home],
            cwd=ROOT,
        )
        until(self._healthy, "the server answers")
        return psutil.Process(self.process.pid)

    def _healthy(self) -> bool:
        assert self.process is not None and self.process.poll() is None
        with contextlib.suppress(requests.ConnectionError):
            url = self.platform.endpoints["oss"] + HEALTH_PATH
            return requests.get(url, timeout=5).ok
        return False

    def end(self, with_signal: signal.Signals) -> int:
        """Send the signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(with_signal)
        code = self.process.wait(30)
        self.process = None
        return code

    def client(self, name: str) -> Any:
        """Return an ``oss2.Bucket`` with the account's key."""
        auth = oss2.AuthV4(self.platform.access_key_id, self.platform.access_key_secret)
        return oss2.Bucket(
            auth,
            self.platform.endpoints["oss"],
            name,
            session=self.connections,
            region=self.platform.region_id,
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Start a server process."""
    server = ServerProcess(init_home(tmp_path / "home"))
    server.start()
    yield server
    server.connections.close()
    if server.process is not None:
        server.end(signal.SIGKILL)


def blob_files(platform: Platform) -> list[Path]:
    """Return every blob on disk."""
    return sorted((platform.home / "cloud" / "oss" / "blobs").glob("*/*"))


def test_kill_loses_no_acknowledged_write(server: ServerProcess) -> None:
    bucket = server.client("bucket")
    bucket.create_bucket()
    upload_id = bucket.init_multipart_upload("multipart").upload_id
    part = bucket.upload_part("multipart", upload_id, 1, b"p" * MIB)
    acknowledged: list[str] = []

    def write() -> None:
        writer = server.client("bucket")
        with contextlib.suppress(oss2.exceptions.RequestError):
            while True:
                key = f"object-{len(acknowledged)}"
                writer.put_object(key, key.encode() * 1000)
                acknowledged.append(key)

    halfway = threading.Event()

    def endless() -> Iterator[bytes]:
        while True:
            yield b"h" * MIB
            halfway.set()

    def write_half() -> None:
        with contextlib.suppress(oss2.exceptions.RequestError):
            server.client("bucket").put_object("half", endless())

    threads = [threading.Thread(target=write), threading.Thread(target=write_half)]
    for thread in threads:
        thread.start()
    assert halfway.wait(30)
    until(lambda: len(acknowledged) >= 20, "20 objects are stored")
    server.end(signal.SIGKILL)
    for thread in threads:
        thread.join()

    left = len(blob_files(server.platform))
    server.start()
    stored = {item.key for item in oss2.ObjectIteratorV2(bucket)}
    assert set(acknowledged) <= stored
    assert "half" not in stored
    for key in stored:
        assert bucket.get_object(key).read() == key.encode() * 1000
    assert len(blob_files(server.platform)) == len(stored) + 1 < left
    parts = [oss2.models.PartInfo(1, part.etag)]
    bucket.complete_multipart_upload("multipart", upload_id, parts)
    assert bucket.get_object("multipart").read() == b"p" * MIB


def test_client_that_disconnects_during_an_upload_leaves_no_object_and_no_blob(
    server: ServerProcess,
) -> None:
    bucket = server.client("bucket")
    bucket.create_bucket()
    address = urlsplit(server.platform.endpoints["oss"])
    url = f"http://{address.netloc}/bucket/half"
    request = oss2.http.Request("PUT", url, region=server.platform.region_id, product="oss")
    bucket.auth._sign_request(request, "bucket", "half")
    signed = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = f"PUT /bucket/half HTTP/1.1\r\nHost: {address.netloc}\r\n{signed}"
        connection.sendall(f"{head}Content-Length: {64 * MIB}\r\n\r\n".encode())
        connection.sendall(b"x" * 4 * MIB)
        until(lambda: blob_files(server.platform), "the upload is under way")
    until(lambda: not blob_files(server.platform), "the half blob is removed")
    assert not bucket.object_exists("half")


def test_server_ends_on_sigterm_and_serves_the_same_objects_after_a_restart(
    server: ServerProcess,
) -> None:
    bucket = server.client("bucket")
    bucket.create_bucket()
    bucket.put_object("k", b"x")
    server.end(signal.SIGTERM)
    server.start()
    assert bucket.get_object("k").read() == b"x"


def test_memory_stays_bounded_for_a_200_mib_object(server: ServerProcess, tmp_path: Path) -> None:
    process = psutil.Process(server.process.pid if server.process else 0)
    bucket = server.client("bucket")
    bucket.create_bucket()
    source = tmp_path / "large"
    with source.open("wb") as file:
        for _ in range(200):
            file.write(os.urandom(MIB // 16) * 16)
    before = process.memory_info().rss
    peaks = [before]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peaks.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        bucket.put_object_from_file("large", str(source))
        digest = hashlib.sha256()
        for chunk in bucket.get_object("large"):
            digest.update(chunk)
    finally:
        ended.set()
        watcher.join()
    with source.open("rb") as stored:
        assert digest.hexdigest() == hashlib.file_digest(stored, "sha256").hexdigest()
    assert max(peaks) - before < 64 * MIB


def test_second_server_on_the_same_store_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.oss.storage._LOCK_SECONDS", 0.2)
    storage = Storage(tmp_path)
    try:
        with pytest.raises(StorageInUseError, match="in use by another OSS server"):
            Storage(tmp_path)
    finally:
        storage.close()
    Storage(tmp_path).close()


def test_blob_without_a_row_is_removed_at_start(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with storage.blobs.writer() as writer:
        writer.write(b"orphan")
        writer.finish()
    storage.close()
    storage = Storage(tmp_path)
    assert storage.swept_blobs == 1
    assert list((tmp_path / "blobs").glob("*/*")) == []
    storage.close()
