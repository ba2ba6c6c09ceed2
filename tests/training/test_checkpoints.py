"""Which checkpoint a run resumes from, on folders made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.checkpoints import last_complete, read_json, seal, write_json


def _checkpoint(root: Path, step: int, *, sealed: str | None = "f") -> Path:
    folder = root / f"checkpoint-{step}"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "weights").write_bytes(b"w" * 1000)
    (folder / "1_Pooling" / "config.json").write_text("{}")
    if sealed is not None:
        seal(folder, sealed)
    return folder


def test_a_run_resumes_from_the_last_sealed_checkpoint(tmp_path: Path) -> None:
    for step in (90, 100, 20):
        _checkpoint(tmp_path, step)
    assert last_complete(tmp_path, "f") == tmp_path / "checkpoint-100"


def test_an_incomplete_checkpoint_is_removed(tmp_path: Path) -> None:
    whole = _checkpoint(tmp_path, 10)
    cut = _checkpoint(tmp_path, 20, sealed=None)
    assert last_complete(tmp_path, "f") == whole
    assert not cut.exists()


@pytest.mark.parametrize("content", [b"w" * 999, b"v" * 1000, None])
def test_a_checkpoint_with_a_damaged_file_is_not_used(
    tmp_path: Path, content: bytes | None
) -> None:
    weights = _checkpoint(tmp_path, 10) / "weights"
    if content is None:
        weights.unlink()
    else:
        weights.write_bytes(content)
    assert last_complete(tmp_path, "f") is None


def test_a_checkpoint_of_other_settings_is_not_used(tmp_path: Path) -> None:
    _checkpoint(tmp_path, 10, sealed="other")
    assert last_complete(tmp_path, "f") is None


def test_a_half_written_seal_does_not_count(tmp_path: Path) -> None:
    folder = _checkpoint(tmp_path, 10)
    (folder / "complete.json").write_text('{"fingerprint": "f", "files"')
    assert last_complete(tmp_path, "f") is None


def test_no_folder_means_no_checkpoint(tmp_path: Path) -> None:
    assert last_complete(tmp_path / "none", "f") is None


def test_a_written_file_reads_back_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


def test_a_file_that_is_not_an_object_reads_as_none(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("[1]")
    assert read_json(tmp_path / "x") is None
    assert read_json(tmp_path / "absent") is None
