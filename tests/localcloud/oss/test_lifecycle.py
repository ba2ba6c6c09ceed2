"""Lifecycle rules that the server applies, with a clock that the tests set."""

from __future__ import annotations

from typing import Any

import oss2
import pytest

from localcloud.oss.lifecycle import Swept, sweep
from tests.localcloud.oss.local_oss import LocalOss

DAY_SECONDS = 86_400
models = oss2.models


def put_rule(bucket: Any, prefix: str = "", **actions: Any) -> None:
    """Give a bucket one rule."""
    rule = models.LifecycleRule("rule", prefix, **actions)
    bucket.put_bucket_lifecycle(models.BucketLifecycle([rule]))


def sweep_after(oss: LocalOss, days: float) -> Swept:
    """Sweep with the clock that many days ahead, then reset the clock."""
    oss.clock.offset_seconds = days * DAY_SECONDS
    try:
        return sweep(oss.storage)
    finally:
        oss.clock.offset_seconds = 0


def keys(bucket: Any) -> list[str]:
    """Return the bucket's keys."""
    return [item.key for item in oss2.ObjectIteratorV2(bucket)]


@pytest.fixture(autouse=True)
def empty_store(oss: LocalOss) -> None:
    """Remove the rules of other tests."""
    oss.reset()


def test_object_expires_after_its_days_but_not_before(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    put_rule(bucket, "logs/", expiration=models.LifecycleExpiration(days=3))
    bucket.put_object("logs/a", b"x")
    bucket.put_object("docs/a", b"x")
    assert sweep_after(oss, 2.9) == Swept()
    assert sweep_after(oss, 3) == Swept(expired=1)
    assert keys(bucket) == ["docs/a"]


def test_disabled_rule_does_nothing(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("a", b"x")
    put_rule(bucket, status="Disabled", expiration=models.LifecycleExpiration(days=1))
    assert sweep_after(oss, 9) == Swept()


def test_unfinished_upload_is_aborted(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    put_rule(bucket, abort_multipart_upload=models.AbortMultipartUpload(days=3))
    bucket.init_multipart_upload("k")
    assert sweep_after(oss, 2) == Swept()
    assert sweep_after(oss, 3) == Swept(aborted_uploads=1)
    assert list(oss2.MultipartUploadIterator(bucket)) == []


def test_noncurrent_version_expires_counting_from_its_replacement(
    oss: LocalOss, versioned: Any
) -> None:
    put_rule(versioned, noncurrent_version_expiration=models.NoncurrentVersionExpiration(5))
    versioned.put_object("k", b"1")
    versioned.put_object("k", b"2")
    assert sweep_after(oss, 4) == Swept()
    assert sweep_after(oss, 5) == Swept(expired=1)
    assert versioned.get_object("k").read() == b"2"
    assert len(versioned.list_object_versions().versions) == 1


def test_expired_object_of_a_versioned_bucket_gets_a_delete_marker(
    oss: LocalOss, versioned: Any
) -> None:
    put_rule(versioned, expiration=models.LifecycleExpiration(days=1))
    versioned.put_object("k", b"1")
    assert sweep_after(oss, 1) == Swept(expired=1)
    page = versioned.list_object_versions()
    assert (len(page.versions), len(page.delete_marker)) == (1, 1)
    assert sweep_after(oss, 9) == Swept()


def test_delete_marker_without_older_versions_expires(oss: LocalOss, versioned: Any) -> None:
    expiration = models.LifecycleExpiration()
    expiration.expired_detete_marker = True
    put_rule(versioned, expiration=expiration)
    versioned.delete_object("alone")
    versioned.put_object("k", b"1")
    versioned.delete_object("k")
    assert sweep_after(oss, 0) == Swept(expired=1)
    assert [item.key for item in versioned.list_object_versions().delete_marker] == ["k"]


def test_objects_on_several_pages_all_expire(
    oss: LocalOss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.oss.lifecycle._PAGE", 4)
    bucket = oss.make_bucket()
    for number in range(11):
        bucket.put_object(f"k{number}", b"x")
    put_rule(bucket, expiration=models.LifecycleExpiration(days=1))
    assert sweep_after(oss, 1) == Swept(expired=11)
    assert keys(bucket) == []
