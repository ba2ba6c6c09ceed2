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


def test_concurrent_appends_are_each_applied_once_or_refused(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name

    def append(value: int) -> None:
        client = oss.client(name)
        position = 0
        while True:
            try:
                client.append_object("log", position, bytes([value]) * 1000)
            except oss2.exceptions.PositionNotEqualToLength as error:
                position = error.next_position
            else:
                return

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(append, range(20)))
    data = oss.client(name).get_object("log").read()
    pieces = {data[start : start + 1000] for start in range(0, len(data), 1000)}
    assert pieces == {bytes([value]) * 1000 for value in range(20)}
    assert len(data) == 20_000


def test_more_uploads_than_worker_threads_all_finish(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name
    payload = hashlib.sha256(b"seed").digest() * 20_000

    def upload(number: int) -> None:
        oss.client(name).put_object(f"k{number}", payload)

    with ThreadPoolExecutor(80) as pool:
        list(pool.map(upload, range(80)))
    listed = list(oss2.ObjectIterator(oss.client(name), max_keys=1000))
    assert [item.size for item in listed] == [len(payload)] * 80


def test_only_one_concurrent_writer_wins_if_overwriting_is_forbidden(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name

    def put(value: int) -> bool:
        try:
            oss.client(name).put_object(
                "k", bytes([value]), headers={"x-oss-forbid-overwrite": "true"}
            )
        except oss2.exceptions.ServerError as error:
            assert error.code == "FileAlreadyExists"
            return False
        return True

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert sum(pool.map(put, range(CLIENTS))) == 1
