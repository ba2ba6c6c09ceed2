"""The tests of a file, and those that share something slow to make, run in one process."""

from __future__ import annotations

from pathlib import Path

from tests.support.spread import SHARED, group

ROOT = Path(__file__).resolve().parents[1]


def test_the_tests_of_a_file_stay_together() -> None:
    assert group("tests/e2e/test_loop.py") == "tests/e2e/test_loop.py"


def test_files_that_share_an_engine_stay_together() -> None:
    users = {"providers/test_real_cluster", "rag/test_ingest_elasticsearch"}
    assert {group(f"tests/{name}.py") for name in users} == {"elasticsearch_server"}


def test_every_shared_name_is_used() -> None:
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")]
    assert set(SHARED) <= {group(file) for file in files}
