"""Measure how fast the local OSS stores and returns objects, through oss2.

Usage::

    python -m benchmarks.oss_throughput [--large-mib 256] [--small-objects 200]

Starts a server process on a home of its own, writes and reads one large object and many small ones
with one client in one thread, and prints a line each. The client's own work (signing, CRC-64) is in
the figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oss2
import requests

from localcloud.core.home import Platform, init_home
from localcloud.oss.application import HEALTH_PATH

_MIB = 1024 * 1024
_START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """The measured rates.

    Attributes:
        write_mib_per_second: Of one large object put in one request.
        read_mib_per_second: Of the same object, read as a stream.
        puts_per_second: Of 1 KiB objects, one after the other; each is durable when answered.
        gets_per_second: Of the same objects.
    """

    write_mib_per_second: float
    read_mib_per_second: float
    puts_per_second: float
    gets_per_second: float


@contextmanager
def server(home: Path) -> Iterator[Platform]:
    """Run a server process until the end of the ``with`` block."""
    platform = init_home(home)
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud.oss", "serve", "--home", str(home)]
    )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _healthy(platform):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the OSS server did not start")
            time.sleep(0.05)
        yield platform
    finally:
        process.terminate()
        process.wait()


def _healthy(platform: Platform) -> bool:
    try:
        return requests.get(platform.endpoints["oss"] + HEALTH_PATH, timeout=5).ok
    except requests.ConnectionError:
        return False


def measure(platform: Platform, *, large_mib: int, small_objects: int) -> Throughput:
    """Measure a running server.

    Args:
        platform: Whose OSS it is.
        large_mib: Size of the large object, MiB.
        small_objects: Number of small objects.
    """
    auth = oss2.AuthV4(platform.access_key_id, platform.access_key_secret)
    bucket = oss2.Bucket(auth, platform.endpoints["oss"], "throughput", region=platform.region_id)
    bucket.create_bucket()
    block = bytes(range(256)) * (_MIB // 256)
    write = _seconds(lambda: bucket.put_object("large", (block for _ in range(large_mib))))
    read = _seconds(lambda: _drain(bucket.get_object("large")))
    keys = [f"small/{number}" for number in range(small_objects)]
    puts = _seconds(lambda: [bucket.put_object(key, block[:1024]) for key in keys])
    gets = _seconds(lambda: [bucket.get_object(key).read() for key in keys])
    return Throughput(
        write_mib_per_second=large_mib / write,
        read_mib_per_second=large_mib / read,
        puts_per_second=small_objects / puts,
        gets_per_second=small_objects / gets,
    )


def _drain(stream: Any) -> None:
    while stream.read(_MIB):
        pass


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large-mib", type=int, default=256)
    parser.add_argument("--small-objects", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "home") as platform:
        found = measure(
            platform, large_mib=arguments.large_mib, small_objects=arguments.small_objects
        )
    for name, value in vars(found).items():
        print(f"{name:22} {value:8.1f}")


if __name__ == "__main__":
    main()
