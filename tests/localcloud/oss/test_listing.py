"""Listing of objects through oss2: order, common prefixes, paging."""

from __future__ import annotations

from typing import Any

import oss2
import pytest

from tests.localcloud.oss.local_oss import LocalOss, code_of

KEYS = ["a", "a/1", "a/2", "a/b/3", "b/1", "c", "d/", "é", "日本/1"]


@pytest.fixture
def filled(bucket: Any) -> Any:
    """Create a bucket with ``KEYS``."""
    for key in KEYS:
        bucket.put_object(key, b"x")
    return bucket


def in_order(keys: list[str]) -> list[str]:
    """Sort keys by their UTF-8 bytes."""
    return sorted(keys, key=str.encode)


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
def test_every_key_is_listed_once_for_every_page_size(filled: Any, page_size: int) -> None:
    listed = [item.key for item in oss2.ObjectIteratorV2(filled, max_keys=page_size)]
    assert listed == in_order(KEYS)


@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["a", "a/", "b/", "c", "d/", "é", "日本/"]),
        ("a/", ["a/1", "a/2", "a/b/"]),
        ("d/", ["d/"]),
        ("日", ["日本/"]),
        ("x", []),
    ],
)
def test_keys_are_grouped_at_the_delimiter(
    filled: Any, prefix: str, expected: list[str], page_size: int
) -> None:
    found = list(oss2.ObjectIteratorV2(filled, prefix, delimiter="/", max_keys=page_size))
    assert [item.key for item in found] == in_order(expected)


def test_common_prefixes_are_listed_apart_from_keys(filled: Any) -> None:
    found = filled.list_objects_v2(delimiter="/")
    assert found.prefix_list == in_order(["a/", "b/", "d/", "日本/"])
    assert [item.key for item in found.object_list] == in_order(["a", "c", "é"])


def test_listing_starts_after_the_key(filled: Any) -> None:
    assert filled.list_objects_v2(start_after="b/1").object_list[0].key == "c"


def test_entry_has_size_etag_and_owner(oss: LocalOss, bucket: Any) -> None:
    put = bucket.put_object("k", b"12345")
    (item,) = bucket.list_objects_v2(fetch_owner=True).object_list
    assert (item.size, item.etag, item.type, item.storage_class) == (
        5,
        put.etag,
        "Normal",
        "Standard",
    )
    assert item.owner.id == oss.platform.account_id
    assert bucket.list_objects_v2().object_list[0].owner is None


@pytest.mark.parametrize("max_keys", [0, 1001])
def test_page_size_out_of_bounds_is_refused(bucket: Any, max_keys: int) -> None:
    assert code_of(lambda: bucket.list_objects_v2(max_keys=max_keys)) == (400, "InvalidArgument")


def test_invalid_continuation_token_is_refused(bucket: Any) -> None:
    assert code_of(lambda: bucket.list_objects_v2(continuation_token="?")) == (
        400,
        "InvalidArgument",
    )


def test_keys_of_several_database_batches_are_all_listed(
    oss: LocalOss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.oss.listing._BATCH", 3)
    bucket = oss.make_bucket()
    for number in range(10):
        bucket.put_object(f"big/{number:04d}", b"x")
    bucket.put_object("z", b"x")
    found = bucket.list_objects_v2(delimiter="/")
    assert (found.prefix_list, [item.key for item in found.object_list]) == (["big/"], ["z"])
    assert len(list(oss2.ObjectIteratorV2(bucket))) == 11
