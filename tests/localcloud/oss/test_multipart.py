"""Multipart uploads through oss2."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import oss2
import pytest
from oss2.models import PartInfo

from tests.localcloud.oss.local_oss import LocalOss, code_of

MIN_PART = 100 * 1024


def upload_parts(bucket: Any, key: str, parts: dict[int, bytes]) -> tuple[str, list[PartInfo]]:
    """Upload parts; return the upload id and the parts for ``complete_multipart_upload``."""
    upload_id = bucket.init_multipart_upload(key).upload_id
    done = []
    for number, data in parts.items():
        result = bucket.upload_part(key, upload_id, number, data)
        done.append(PartInfo(number, result.etag, size=len(data), part_crc=result.crc))
    return upload_id, done


def test_parts_become_one_object_with_a_crc_that_oss2_verifies(bucket: Any) -> None:
    first, second = os.urandom(MIN_PART), os.urandom(77)
    upload_id, parts = upload_parts(bucket, "k", {1: first, 2: second})
    bucket.complete_multipart_upload("k", upload_id, parts)
    got = bucket.get_object("k")
    assert got.read() == first + second
    assert got.client_crc == got.server_crc
    assert (got.object_type, got.etag.endswith("-2")) == ("Multipart", True)
    assert bucket.get_object("k", byte_range=(MIN_PART - 2, MIN_PART + 1)).read() == (
        first[-2:] + second[:2]
    )


def test_resumable_upload_and_download_of_oss2_work(bucket: Any, tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(os.urandom(3 * 1024 * 1024 + 17))
    store = oss2.ResumableStore(str(tmp_path))
    oss2.resumable_upload(
        bucket,
        "k",
        str(source),
        store=store,
        multipart_threshold=1,
        part_size=1024 * 1024,
        num_threads=3,
    )
    oss2.resumable_download(
        bucket,
        "k",
        str(copy),
        store=oss2.ResumableDownloadStore(str(tmp_path)),
        multiget_threshold=1,
        part_size=1024 * 1024,
        num_threads=3,
    )
    assert copy.read_bytes() == source.read_bytes()


def test_part_uploaded_again_replaces_the_first(bucket: Any) -> None:
    upload_id, _ = upload_parts(bucket, "k", {1: b"old"})
    result = bucket.upload_part("k", upload_id, 1, b"new")
    bucket.complete_multipart_upload("k", upload_id, [PartInfo(1, result.etag)])
    assert bucket.get_object("k").read() == b"new"


def test_complete_with_wrong_parts_fails_and_keeps_the_upload(bucket: Any) -> None:
    upload_id, parts = upload_parts(bucket, "k", {1: b"a", 2: b"b"})

    def complete(*chosen: PartInfo) -> Any:
        return bucket.complete_multipart_upload("k", upload_id, list(chosen))

    assert code_of(lambda: complete(*parts)) == (400, "EntityTooSmall")
    # oss2 would sort the parts, so the test writes this list itself.
    body = "".join(
        f"<Part><PartNumber>{part.part_number}</PartNumber><ETag>{part.etag}</ETag></Part>"
        for part in reversed(parts)
    )
    body = f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>"
    assert code_of(
        lambda: bucket._Bucket__do_object("POST", "k", data=body, params={"uploadId": upload_id})
    ) == (400, "InvalidPartOrder")
    assert code_of(lambda: complete(PartInfo(1, "0" * 32))) == (400, "InvalidPart")
    assert code_of(lambda: complete(PartInfo(9, parts[0].etag))) == (400, "InvalidPart")
    complete(parts[0])
    assert bucket.get_object("k").read() == b"a"


def test_completed_upload_no_longer_exists(bucket: Any) -> None:
    upload_id, parts = upload_parts(bucket, "k", {1: b"a"})
    bucket.complete_multipart_upload("k", upload_id, parts)
    assert code_of(lambda: bucket.list_parts("k", upload_id)) == (404, "NoSuchUpload")
    assert code_of(lambda: bucket.upload_part("k", upload_id, 1, b"a")) == (404, "NoSuchUpload")


def test_abort_removes_the_parts_from_disk(oss: LocalOss, bucket: Any) -> None:
    blobs = oss.platform.home / "cloud" / "oss" / "blobs"
    before = set(blobs.glob("*/*"))
    upload_id, _ = upload_parts(bucket, "k", {1: b"a", 2: b"b"})
    assert len(set(blobs.glob("*/*")) - before) == 2
    bucket.abort_multipart_upload("k", upload_id)
    assert set(blobs.glob("*/*")) == before
    assert code_of(lambda: bucket.abort_multipart_upload("k", upload_id)) == (404, "NoSuchUpload")


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_number_out_of_bounds_is_refused(bucket: Any, number: int) -> None:
    upload_id, _ = upload_parts(bucket, "k", {})
    assert code_of(lambda: bucket.upload_part("k", upload_id, number, b"a")) == (
        400,
        "InvalidArgument",
    )


def test_parts_and_uploads_are_listed_in_pages(bucket: Any) -> None:
    upload_id, parts = upload_parts(bucket, "dir/k", {1: b"a", 3: b"b", 4: b"c"})
    other = bucket.init_multipart_upload("dir/k").upload_id
    bucket.init_multipart_upload("z")
    page = bucket.list_parts("dir/k", upload_id, max_parts=2)
    assert ([part.part_number for part in page.parts], page.is_truncated) == ([1, 3], True)
    rest = bucket.list_parts("dir/k", upload_id, marker=page.next_marker)
    assert [(part.part_number, part.etag, part.size) for part in rest.parts] == [
        (4, parts[2].etag, 1)
    ]
    for page_size in (1, 2, 100):
        found = list(oss2.MultipartUploadIterator(bucket, max_uploads=page_size))
        assert [item.key for item in found] == ["dir/k", "dir/k", "z"]
        assert {item.upload_id for item in found[:2]} == {upload_id, other}
    folded = bucket.list_multipart_uploads(delimiter="/")
    assert (folded.prefix_list, len(folded.upload_list)) == (["dir/"], 1)


def test_metadata_of_the_upload_becomes_the_objects(bucket: Any) -> None:
    headers = {"Content-Type": "text/x", "x-oss-meta-a": "1"}
    upload_id = bucket.init_multipart_upload("k", headers=headers).upload_id
    result = bucket.upload_part("k", upload_id, 1, b"a")
    bucket.complete_multipart_upload("k", upload_id, [PartInfo(1, result.etag)])
    found = bucket.head_object("k").headers
    assert (found["Content-Type"], found["x-oss-meta-a"]) == ("text/x", "1")
