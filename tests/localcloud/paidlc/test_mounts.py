"""Mounts against a failing OSS: a bucket in memory that raises the errors of oss2."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import oss2.exceptions
import pytest

from localcloud.core.home import init_home
from localcloud.daemon import make_context
from localcloud.paidlc.errors import JobFailureError
from localcloud.paidlc.mounts import Mount, MountSync, retry_while_unavailable


class MemoryBucket:
    """A bucket in memory whose operations can fail some times."""

    def __init__(self, failure: Exception | None = None, times: int = 0) -> None:
        self.objects: dict[str, bytes] = {}
        self.failure = failure
        self.times = times
        self.sent: list[str] = []

    def list_objects_v2(self, prefix: str = "", **_: Any) -> Any:
        """Call ListObjectsV2, one page."""
        if self.times and self.failure:
            self.times -= 1
            raise self.failure
        entries = [
            SimpleNamespace(key=key, etag=str(hash(content)), size=len(content))
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        ]
        return SimpleNamespace(
            object_list=entries, prefix_list=[], is_truncated=False, next_continuation_token=""
        )

    def get_object_to_file(self, key: str, file_name: str) -> None:
        """Call GetObject."""
        Path(file_name).write_bytes(self.objects[key])

    def put_object_from_file(self, key: str, file_name: str) -> Any:
        """Call PutObject."""
        self.objects[key] = Path(file_name).read_bytes()
        self.sent.append(key)
        return SimpleNamespace(etag=str(hash(self.objects[key])))

    def delete_object(self, key: str) -> None:
        """Call DeleteObject."""
        self.objects.pop(key, None)


@pytest.fixture
def sync(tmp_path: Path) -> Callable[[MemoryBucket], MountSync]:
    """Return a writable mount of a bucket, in a folder of the test."""
    home = tmp_path / "home"
    init_home(home)
    context = make_context(home)
    mount = Mount(
        mount_path="/mnt/output",
        writable=True,
        bucket="output",
        prefix="run/",
        folder=tmp_path / "mount",
        role_name=None,
    )

    def make(bucket: MemoryBucket) -> MountSync:
        made = MountSync(mount, context, "job", lambda: None)
        made._bucket = bucket
        return made

    return make


def away() -> Exception:
    """Return the error that oss2 raises if no server listens."""
    return oss2.exceptions.RequestError(ConnectionRefusedError("refused"))


def test_download_waits_for_a_restart_of_oss(
    sync: Callable[[MemoryBucket], MountSync],
) -> None:
    bucket, waits = MemoryBucket(away(), times=2), []
    bucket.objects["run/a"] = b"a"
    assert retry_while_unavailable(sync(bucket).down, waits.append) == 1
    assert waits == [1.0, 2.0]


def test_job_fails_if_oss_stays_unavailable(sync: Callable[[MemoryBucket], MountSync]) -> None:
    bucket = MemoryBucket(away(), times=100)
    with pytest.raises(JobFailureError) as caught:
        retry_while_unavailable(sync(bucket).down, lambda _: None)
    assert caught.value.reason_code == "DataSourceUnavailable"


def test_refused_access_is_not_retried(sync: Callable[[MemoryBucket], MountSync]) -> None:
    denied = oss2.exceptions.AccessDenied(403, {}, b"", {"Code": "AccessDenied", "Message": "no"})
    bucket, waits = MemoryBucket(denied, times=1), []
    with pytest.raises(JobFailureError, match="AccessDenied"):
        retry_while_unavailable(sync(bucket).down, waits.append)
    assert waits == []


def test_server_error_is_retried(sync: Callable[[MemoryBucket], MountSync]) -> None:
    broken = oss2.exceptions.ServerError(503, {}, b"", {"Code": "ServiceUnavailable"})
    assert retry_while_unavailable(sync(MemoryBucket(broken, times=1)).down, lambda _: None) == 0


def test_incomplete_download_is_discarded(
    sync: Callable[[MemoryBucket], MountSync], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = MemoryBucket()
    bucket.objects["run/a"] = b"whole"
    monkeypatch.setattr(
        bucket, "get_object_to_file", lambda _, name: Path(name).write_bytes(b"who")
    )
    mount = sync(bucket)
    with pytest.raises(JobFailureError, match="5 bytes, but 3 were received"):
        mount.down()
    assert list(mount.mount.folder.iterdir()) == []


def test_key_with_parent_folder_is_refused(
    sync: Callable[[MemoryBucket], MountSync],
) -> None:
    bucket = MemoryBucket()
    bucket.objects["run/../../x"] = b"x"
    with pytest.raises(JobFailureError, match=r"rename the object"):
        sync(bucket).down()


def test_only_changed_objects_are_copied(sync: Callable[[MemoryBucket], MountSync]) -> None:
    bucket = MemoryBucket()
    bucket.objects |= {"run/a": b"a", "run/b": b"b"}
    mount = sync(bucket)
    assert (mount.down(), mount.down()) == (2, 0)
    assert mount.up(final=True) == 0
    (mount.mount.folder / "b").write_bytes(b"changed")
    assert mount.up(final=True) == 1
    assert bucket.sent == ["run/b"]


def test_last_written_file_is_uploaded_last(sync: Callable[[MemoryBucket], MountSync]) -> None:
    bucket = MemoryBucket()
    mount = sync(bucket)
    mount.down()
    for number, name in enumerate(["z-model", "m-metrics", "a-result"]):
        path = mount.mount.folder / name
        path.write_text(name)
        os.utime(path, (1000 + number, 1000 + number))
    mount.up(final=True)
    assert bucket.sent == ["run/z-model", "run/m-metrics", "run/a-result"]


def test_recently_written_file_waits_for_the_next_upload(
    sync: Callable[[MemoryBucket], MountSync],
) -> None:
    bucket = MemoryBucket()
    mount = sync(bucket)
    mount.down()
    (mount.mount.folder / "checkpoint").write_text("half")
    assert mount.up() == 0
    assert mount.up(final=True) == 1


@pytest.mark.parametrize("name", ["n" * 252 + ".md", "\u6587" * 84 + ".md", "a\nb.md", ".x.part"])
def test_a_name_as_long_as_the_file_system_allows_is_copied_both_ways(
    sync: Callable[[MemoryBucket], MountSync], name: str
) -> None:
    bucket = MemoryBucket()
    bucket.objects[f"run/{name}"] = b"a"
    mount = sync(bucket)
    assert mount.down() == 1
    file = mount.mount.folder / name
    assert file.read_bytes() == b"a"
    assert not mount.mount.part_path.exists()
    file.write_bytes(b"changed")
    assert mount.up(final=True) == 1
    assert bucket.objects[f"run/{name}"] == b"changed"


@pytest.mark.parametrize("key", ["run/" + "n" * 256, "run/a/b"])
def test_an_object_that_cannot_be_a_file_is_named(
    sync: Callable[[MemoryBucket], MountSync], key: str
) -> None:
    bucket = MemoryBucket()
    bucket.objects |= {"run/a": b"a", key: b"b"}
    with pytest.raises(JobFailureError, match="Rename the object") as caught:
        sync(bucket).down()
    assert caught.value.reason_code == "DataSourceMountFailed"
