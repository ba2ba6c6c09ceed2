"""The durable store."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.core.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_missing_document_gives_none(store: Store) -> None:
    assert store.table("a").get("key") is None


def test_document_survives_closing_the_store(tmp_path: Path) -> None:
    first = open_store(tmp_path)
    first.table("a").put("key", {"number": 1})
    first.close()
    second = open_store(tmp_path)
    assert second.table("a").get("key") == {"number": 1}
    second.close()


def test_tables_do_not_share_keys(store: Store) -> None:
    store.table("a").put("key", {"table": "a"})
    assert store.table("b").get("key") is None


def test_delete_returns_whether_the_document_existed(store: Store) -> None:
    table = store.table("a")
    table.put("key", {})
    assert [table.delete("key"), table.delete("key")] == [True, False]


def test_items_are_ordered_by_key(store: Store) -> None:
    table = store.table("a")
    for key in ("b", "a", "c"):
        table.put(key, {"key": key})
    assert [key for key, _ in table.items()] == ["a", "b", "c"]


def test_failed_update_changes_nothing(store: Store) -> None:
    table = store.table("a")
    table.put("key", {"number": 1})

    def change(_: object) -> dict[str, int]:
        table.put("key", {"number": 2})
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        table.update("key", change)
    assert table.get("key") == {"number": 1}


def test_concurrent_updates_of_threads_all_count(store: Store) -> None:
    table = store.table("a")

    def count() -> None:
        for _ in range(50):
            table.update("n", lambda old: {"value": (old or {"value": 0})["value"] + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert table.get("n") == {"value": 200}


def test_concurrent_updates_of_processes_all_count(tmp_path: Path, store: Store) -> None:
    program = (
        "import sys; from pathlib import Path; from localcloud.core.store import open_store\n"
        "t = open_store(Path(sys.argv[1])).table('a')\n"
        "for _ in range(100): t.update('n', lambda o: {'value': (o or {'value': 0})['value'] + 1})"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=Path.cwd())
        for _ in range(2)
    ]
    assert [other.wait(timeout=60) for other in others] == [0, 0]
    assert store.table("a").get("n") == {"value": 200}


def test_only_the_owner_can_read_the_file(tmp_path: Path, store: Store) -> None:
    assert (tmp_path / "cloud" / "cloud.db").stat().st_mode & 0o077 == 0
