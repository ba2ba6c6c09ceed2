"""The bootstrap of a node with a bucket in memory. Does not test pip or a RAM role."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import pytest

from components.nodes import bootstrap
from components.nodes.bootstrap import BootstrapError, expected_digest, fetch, fetch_until_deadline

CONTENT = b"a zip"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class MemoryBucket:
    """A bucket with one object, whose first downloads can fail."""

    def __init__(self, content: bytes, failures: int = 0) -> None:
        self.content = content
        self.failures = failures
        self.gets = 0

    def get_object_to_file(self, key: str, file_name: str) -> None:
        """Write the object like oss2; a failure leaves part of the file."""
        self.gets += 1
        if self.gets <= self.failures:
            Path(file_name).write_bytes(self.content[:2])
            raise OSError("no role yet")
        Path(file_name).write_bytes(self.content)


def arguments(folder: Path, digest: str = DIGEST[:12]) -> argparse.Namespace:
    """Return the parsed command line."""
    return argparse.Namespace(
        code_uri=f"oss://artifacts/code/customrag-{digest}.zip",
        oss_endpoint="http://oss",
        region_id="cn-hangzhou",
        directory=str(folder),
    )


def use(monkeypatch: pytest.MonkeyPatch, bucket: MemoryBucket) -> None:
    """Make the bootstrap use this bucket, without a pause between attempts."""
    monkeypatch.setattr(bootstrap, "open_bucket", lambda *_: bucket)
    monkeypatch.setattr(bootstrap.time, "sleep", lambda _: None)


def test_name_of_the_zip_contains_its_digest() -> None:
    assert expected_digest(f"oss://b/customrag-{DIGEST[:12]}.zip") == DIGEST[:12]
    with pytest.raises(BootstrapError, match="SHA-256"):
        expected_digest("oss://b/customrag.zip")


def test_zip_is_fetched_completely_and_readable_by_the_service(tmp_path: Path) -> None:
    destination = tmp_path / "code" / "x.zip"
    fetch(MemoryBucket(CONTENT), "x.zip", destination, DIGEST[:12])
    assert destination.read_bytes() == CONTENT
    assert destination.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in destination.parent.iterdir()] == ["x.zip"]


def test_an_existing_zip_is_not_fetched_again(tmp_path: Path) -> None:
    bucket = MemoryBucket(CONTENT)
    for _ in range(2):
        fetch(bucket, "x.zip", tmp_path / "x.zip", DIGEST[:12])
    assert bucket.gets == 1


def test_a_damaged_zip_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"half")
    fetch(MemoryBucket(CONTENT), "x.zip", tmp_path / "x.zip", DIGEST[:12])
    assert (tmp_path / "x.zip").read_bytes() == CONTENT


def test_a_zip_with_another_digest_than_its_name_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BootstrapError, match="Upload it again"):
        fetch(MemoryBucket(b"other"), "x.zip", tmp_path / "x.zip", DIGEST[:12])
    assert list(tmp_path.iterdir()) == []


def test_bootstrap_waits_for_the_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = MemoryBucket(CONTENT, failures=3)
    use(monkeypatch, bucket)
    path = fetch_until_deadline(arguments(tmp_path), 60)
    assert path.read_bytes() == CONTENT
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_the_error_after_the_deadline_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, MemoryBucket(CONTENT, failures=10**6))
    with pytest.raises(BootstrapError, match=r"RAM role must be attached.*no role yet"):
        fetch_until_deadline(arguments(tmp_path), 0)


def test_a_failure_is_printed_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, MemoryBucket(b"other"))
    (tmp_path / "requirements.txt").write_text("\n")
    given = vars(arguments(tmp_path)) | {"requirements": str(tmp_path / "requirements.txt")}
    options = [word for key, value in given.items() for word in (f"--{key}", str(value))]
    argv = [word.replace("_", "-") if word.startswith("--") else word for word in options]
    assert bootstrap.main(argv) == 1
    assert "Upload it again" in capsys.readouterr().err
