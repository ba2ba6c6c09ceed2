"""Versioning through oss2: versions, delete markers, suspension."""

from __future__ import annotations

from typing import Any

import oss2

from tests.localcloud.oss.local_oss import code_of


def listed(bucket: Any) -> list[tuple[str, bytes | None, bool]]:
    """Return key, bytes (None for a delete marker) and is_latest of each version, newest first."""
    page = bucket.list_object_versions()
    entries = [(item, True) for item in page.versions] + [
        (item, False) for item in page.delete_marker
    ]
    rows = []
    for item, is_object in entries:
        data = None
        if is_object:
            params = {"versionId": item.versionid}
            data = bucket.get_object(item.key, params=params).read()
        rows.append((item.key, data, item.is_latest))
    return sorted(rows, key=lambda row: (row[0], not row[2], row[1] or b""))


def test_versioning_is_off_by_default(bucket: Any) -> None:
    assert bucket.get_bucket_versioning().status is None
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    assert bucket.get_bucket_versioning().status == "Enabled"
    assert bucket.get_bucket_info().versioning_status == "Enabled"
    config = oss2.models.BucketVersioningConfig("Off")
    assert code_of(lambda: bucket.put_bucket_versioning(config)) == (
        400,
        "IllegalVersioningConfigurationException",
    )


def test_overwritten_object_is_read_by_its_version_id(versioned: Any) -> None:
    first = versioned.put_object("k", b"1")
    second = versioned.put_object("k", b"2")
    assert first.versionid != second.versionid
    assert versioned.get_object("k").read() == b"2"
    assert versioned.get_object("k", params={"versionId": first.versionid}).read() == b"1"
    assert listed(versioned) == [("k", b"2", True), ("k", b"1", False)]


def test_delete_writes_a_marker_and_deleting_the_marker_restores_the_object(
    versioned: Any,
) -> None:
    versioned.put_object("k", b"1")
    deleted = versioned.delete_object("k")
    assert deleted.delete_marker
    try:
        versioned.get_object("k")
    except oss2.exceptions.NoSuchKey as error:
        assert error.headers["x-oss-delete-marker"] == "true"
    else:
        raise AssertionError("the object is still there")
    marker = {"versionId": deleted.versionid}
    assert code_of(lambda: versioned.get_object("k", params=marker)) == (405, "MethodNotAllowed")
    versioned.delete_object("k", params=marker)
    assert versioned.get_object("k").read() == b"1"


def test_delete_of_the_latest_version_makes_the_previous_one_latest(versioned: Any) -> None:
    versioned.put_object("k", b"1")
    second = versioned.put_object("k", b"2")
    versioned.delete_object("k", params={"versionId": second.versionid})
    assert versioned.get_object("k").read() == b"1"
    assert listed(versioned) == [("k", b"1", True)]


def test_missing_version_gives_nosuchversion(versioned: Any) -> None:
    versioned.put_object("k", b"1")
    assert code_of(lambda: versioned.get_object("k", params={"versionId": "none"})) == (
        404,
        "NoSuchVersion",
    )


def test_object_from_before_versioning_is_the_null_version(bucket: Any) -> None:
    bucket.put_object("k", b"old")
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    bucket.put_object("k", b"new")
    assert bucket.get_object("k", params={"versionId": "null"}).read() == b"old"


def test_suspended_bucket_overwrites_the_null_version_only(versioned: Any) -> None:
    versioned.put_object("k", b"kept")
    versioned.put_bucket_versioning(oss2.models.BucketVersioningConfig("Suspended"))
    assert versioned.put_object("k", b"null 1").versionid == "null"
    versioned.put_object("k", b"null 2")
    assert listed(versioned) == [("k", b"null 2", True), ("k", b"kept", False)]
    versioned.delete_object("k")
    assert listed(versioned) == [("k", None, True), ("k", b"kept", False)]


def test_versions_are_all_listed_in_pages(versioned: Any) -> None:
    expected = []
    for key in ("a", "b", "c/1", "c/2"):
        ids = [versioned.put_object(key, b"x").versionid for _ in range(3)]
        expected += [(key, version_id) for version_id in reversed(ids)]
    for page_size in (1, 2, 5, 100):
        found: list[tuple[str, str]] = []
        key_marker, id_marker = "", ""
        while True:
            page = versioned.list_object_versions(
                max_keys=page_size, key_marker=key_marker, versionid_marker=id_marker
            )
            found += [(item.key, item.versionid) for item in page.versions]
            if not page.is_truncated:
                break
            key_marker, id_marker = page.next_key_marker, page.next_versionid_marker
        assert found == expected
    folded = versioned.list_object_versions(delimiter="/")
    assert (folded.common_prefix, len(folded.versions)) == (["c/"], 6)


def test_batch_delete_of_versions_removes_them_permanently(versioned: Any) -> None:
    models = oss2.models
    first = versioned.put_object("k", b"1")
    marker = versioned.delete_object("k")
    doomed = models.BatchDeleteObjectVersionList(
        [
            models.BatchDeleteObjectVersion("k", first.versionid),
            models.BatchDeleteObjectVersion("k", marker.versionid),
        ]
    )
    result = versioned.delete_object_versions(doomed)
    assert [item.versionid for item in result.delete_versions] == [
        first.versionid,
        marker.versionid,
    ]
    assert listed(versioned) == []
    versioned.delete_bucket()


def test_bucket_with_only_a_delete_marker_is_not_empty(versioned: Any) -> None:
    versioned.delete_object("never-there")
    assert code_of(versioned.delete_bucket) == (409, "BucketNotEmpty")
