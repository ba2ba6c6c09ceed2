"""The tests of a file, and those that share something slow to make, run in one process."""

from __future__ import annotations

from pathlib import Path

from tests.support.spread import SEARCH_ENGINES, SHARED, group

ROOT = Path(__file__).resolve().parents[1]


def test_the_tests_of_a_file_stay_together() -> None:
    assert group("tests/e2e/test_loop.py") == "tests/e2e/test_loop.py"


def test_files_that_share_an_engine_stay_together() -> None:
    users = (
        *("localcloud/elasticsearch/test_instance", "opensearch_node/test_with_engine"),
        *("providers/opensearch_engine/test_models", "providers/test_opensearch_client"),
        *("rag/test_engines", "rag/test_ingest_elasticsearch"),
    )
    assert {group(f"tests/{name}.py") for name in users} == {SEARCH_ENGINES}


def test_every_shared_name_is_used() -> None:
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert [name for name in SHARED if not any(name in text for text in texts)] == []


def test_an_engine_is_defined_once() -> None:
    """A folder's own import of a fixture defines another one, which starts another engine."""
    importing = [
        path.relative_to(ROOT).parts
        for path in (ROOT / "tests").rglob("conftest.py")
        if "import elasticsearch_server" in path.read_text(encoding="utf-8")
        or "import opensearch_server" in path.read_text(encoding="utf-8")
    ]
    assert importing == [("tests", "conftest.py")]
