"""Life cycle of a corpus in OSS: only what differs moves, and a cut-off upload goes on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pluginhost import UNKNOWN, PartialError
from providers import corpus_version
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices


class Folder:
    """A corpus folder and the inputs a program makes from it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.root / "docs" / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def inputs(self) -> dict[str, Any]:
        documents = {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.root.rglob("*.md")
        }
        return {"bucket": "b", "sourceDir": str(self.root), "documents": documents}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.write(a="one", b="two", c="three")
    return folder


@pytest.fixture
def oss() -> FakeOss:
    return FakeOss("b")


@pytest.fixture
def engine(oss: FakeOss) -> Engine:
    return Engine("customrag:oss:Corpus", FakeServices(oss, FakeDlc()))


def manifest(oss: FakeOss) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(oss.buckets["b"]["corpus/manifest.json"])
    return content


def test_documents_and_their_manifest_are_uploaded(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    inputs = folder.inputs()
    engine.up(inputs)
    assert oss.buckets["b"]["corpus/docs/a.md"] == b"one"
    assert manifest(oss)["version"] == corpus_version(inputs["documents"])
    entry = manifest(oss)["documents"]["docs/a.md"]
    assert (entry["sha256"], entry["size_bytes"]) == (inputs["documents"]["docs/a.md"], 3)


def test_a_preview_knows_the_version(engine: Engine, folder: Folder) -> None:
    inputs = folder.inputs()
    outputs = engine.preview({**inputs, "bucket": UNKNOWN})
    assert outputs["version"] == corpus_version(inputs["documents"])
    assert outputs["documentCount"] == 3
    assert outputs["manifestKey"] == "corpus/manifest.json"
    assert outputs["uri"] is UNKNOWN


def test_only_what_differs_is_uploaded_and_what_is_gone_is_deleted(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    oss.uploaded.clear()
    folder.write(a="changed", d="new")
    (folder.root / "docs" / "b.md").unlink()
    assert engine.up(folder.inputs()) == "update"
    assert sorted(oss.uploaded) == ["corpus/docs/a.md", "corpus/docs/d.md"]
    assert "corpus/docs/b.md" not in oss.buckets["b"]
    assert sorted(manifest(oss)["documents"]) == ["docs/a.md", "docs/c.md", "docs/d.md"]


def test_a_diff_names_each_document(engine: Engine, folder: Folder) -> None:
    engine.up(folder.inputs())
    folder.write(a="changed")
    assert list(engine.diff(folder.inputs()).detailed_diff) == ['documents["docs/a.md"]']


def test_moving_the_folder_changes_nothing(engine: Engine, folder: Folder, tmp_path: Path) -> None:
    engine.up(folder.inputs())
    elsewhere = tmp_path.parent
    assert engine.up({**folder.inputs(), "sourceDir": str(elsewhere)}) == "same"


@pytest.mark.parametrize("change", [{"bucket": "other"}, {"prefix": "other/"}])
def test_another_place_in_oss_replaces(
    engine: Engine, folder: Folder, change: dict[str, str]
) -> None:
    engine.up(folder.inputs())
    assert engine.diff({**folder.inputs(), **change}).replaces == list(change)


def test_a_cut_off_upload_goes_on_where_it_stopped(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    oss.fail_after = 2
    with pytest.raises(PartialError, match="connection reset"):
        engine.up(folder.inputs())
    assert "corpus/manifest.json" not in oss.buckets["b"]
    oss.fail_after = None
    sent = list(oss.uploaded)
    oss.uploaded.clear()
    assert engine.up(folder.inputs()) == "update"
    assert sorted([*sent, *oss.uploaded]) == [
        "corpus/docs/a.md",
        "corpus/docs/b.md",
        "corpus/docs/c.md",
    ]
    assert len(manifest(oss)["documents"]) == 3


def test_a_killed_engine_leaves_objects_that_the_next_create_adopts(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    engine.state = None
    oss.uploaded.clear()
    assert engine.up(folder.inputs()) == "create"
    assert oss.uploaded == []


def test_a_failed_first_upload_leaves_nothing_after_destroy(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    oss.fail_after = 1
    with pytest.raises(PartialError):
        engine.up(folder.inputs())
    engine.destroy()
    assert oss.buckets["b"] == {}


def test_a_file_that_changed_after_the_program_ran_is_named(engine: Engine, folder: Folder) -> None:
    inputs = folder.inputs()
    folder.write(b="edited meanwhile")
    with pytest.raises(PartialError, match=r"'docs/b.md' changed on disk"):
        engine.up(inputs)


def test_a_file_that_vanished_after_the_program_ran_is_named(
    engine: Engine, folder: Folder
) -> None:
    inputs = folder.inputs()
    (folder.root / "docs" / "b.md").unlink()
    with pytest.raises(PartialError, match=r"'docs/b.md' cannot be read"):
        engine.up(inputs)


def test_cancel_stops_the_upload(engine: Engine, oss: FakeOss, folder: Folder) -> None:
    engine.host.cancelled.set()
    with pytest.raises(PartialError, match="cancelled"):
        engine.up(folder.inputs())
    assert oss.uploaded == []


def test_a_refresh_sees_missing_changed_and_added_objects(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    del oss.buckets["b"]["corpus/docs/a.md"]
    oss.buckets["b"]["corpus/docs/b.md"] = b"overwritten"
    oss.buckets["b"]["corpus/docs/z.md"] = b"stray"
    state = engine.refresh()
    assert state is not None
    documents = state.inputs["documents"]
    assert sorted(documents) == ["docs/b.md", "docs/c.md", "docs/z.md"]
    assert documents["docs/b.md"].startswith("changed:")
    assert documents["docs/c.md"] == folder.inputs()["documents"]["docs/c.md"]


def test_an_up_after_the_refresh_repairs_the_drift(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    before = dict(oss.buckets["b"])
    del oss.buckets["b"]["corpus/docs/a.md"]
    oss.buckets["b"]["corpus/docs/b.md"] = b"overwritten"
    oss.buckets["b"]["corpus/docs/z.md"] = b"stray"
    engine.refresh()
    assert engine.up(folder.inputs()) == "update"
    assert oss.buckets["b"] == before


def test_a_refresh_without_drift_changes_nothing(engine: Engine, folder: Folder) -> None:
    engine.up(folder.inputs())
    engine.refresh()
    assert engine.up(folder.inputs()) == "same"


def test_a_refresh_sees_that_the_bucket_is_gone(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    oss.buckets.clear()
    assert engine.refresh() is None


def test_delete_removes_all_under_the_prefix_and_nothing_else(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    oss.buckets["b"]["corpus2/x"] = b"another's"
    engine.destroy()
    assert oss.buckets["b"] == {"corpus2/x": b"another's"}


def test_delete_without_a_bucket_is_success(engine: Engine, oss: FakeOss, folder: Folder) -> None:
    engine.up(folder.inputs())
    oss.buckets.clear()
    engine.destroy()


def test_ten_thousand_documents_go_up_and_a_change_of_one_uploads_one(
    engine: Engine, oss: FakeOss, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    folder.write(**{f"d{number}": str(number) for number in range(10_000)})
    engine.up(folder.inputs())
    oss.uploaded.clear()
    folder.write(d77="changed")
    engine.up(folder.inputs())
    assert oss.uploaded == ["corpus/docs/d77.md"]


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"prefix": "corpus"}, "prefix", "ends in '/'"),
        ({"prefix": "/corpus/"}, "prefix", "ends in '/'"),
        ({"sourceDir": "nowhere"}, "sourceDir", "not a directory"),
        ({"documents": {}}, "documents", "empty"),
        ({"documents": {"../a": "0" * 64}}, "documents", "relative keys"),
        ({"documents": {"docs/a.md": "short"}}, "documents", "64 hexadecimal"),
        ({"documents": {"manifest.json": "0" * 64}}, "documents", "manifest's own"),
    ],
)
def test_a_wrong_input_is_named_with_what_is_allowed(
    engine: Engine, folder: Folder, change: dict[str, Any], name: str, words: str
) -> None:
    failures = engine.check({**folder.inputs(), **change})["failures"]
    assert words in failures[name]


def test_the_manifest_names_the_files_that_are_left_out(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    left_out = {"docs/.git/": "skipped: a hidden folder"}
    engine.up({**folder.inputs(), "leftOut": left_out})
    assert manifest(oss)["left_out"] == left_out
    before = manifest(oss)["documents"]
    assert engine.up({**folder.inputs(), "leftOut": left_out}) == "same"
    assert engine.up({**folder.inputs(), "leftOut": {}}) == "update"
    assert manifest(oss) == {**manifest(oss), "documents": before, "left_out": {}}


def test_a_manifest_of_an_earlier_version_is_kept_up_to_date(
    engine: Engine, oss: FakeOss, folder: Folder
) -> None:
    engine.up(folder.inputs())
    former = {name: value for name, value in manifest(oss).items() if name != "left_out"}
    oss.buckets["b"]["corpus/manifest.json"] = json.dumps(former).encode()
    engine.refresh()
    assert engine.up(folder.inputs()) == "same"
