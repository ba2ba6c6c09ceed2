"""Many concurrent clients: no torn object, no lost write, no request that hangs."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import oss2

from tests.localcloud.oss.local_oss import LocalOss

CLIENTS = 12


def test_concurrent_overwrites_and_reads_give_whole_objects(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name
    oss.client(name).put_object("k", b"\0" * 200_000)

    def write(value: int) -> None:
        oss.client(name).put_object("k", bytes([value]) * 200_000)

    def read(_: int) -> set[int]:
        data = oss.client(name).get_object("k").read()
        assert len(data) == 200_000
        return set(data)

    with ThreadPoolExecutor(CLIENTS) as pool:
        writes = [pool.submit(write, value) for value in range(1, 30)]
        reads = list(pool.map(read, range(60)))
        for done in writes:
            done.result(60)
    assert all(len(values) == 1 for values in reads)


def test_more_uploads_than_worker_threads_all_finish(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name
    payload = hashlib.sha256(b"seed").digest() * 20_000

    def upload(number: int) -> None:
        oss.client(name).put_object(f"k{number}", payload)

    with ThreadPoolExecutor(80) as pool:
        list(pool.map(upload, range(80)))
    listed = list(oss2.ObjectIteratorV2(oss.client(name), max_keys=1000))
    assert [item.size for item in listed] == [len(payload)] * 80
