"""The exit code of an ingest, by which PAI decides whether it restarts the pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag import ingest
from rag.errors import ClusterShortageError, EmbeddingError, IngestError, RagError
from rag.ingest import MAY_PASS, main


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClusterShortageError("the disk is full"), 1),
        (IngestError("the cluster did not answer"), MAY_PASS),
        (EmbeddingError("no node answers"), MAY_PASS),
        (OSError("the mount is gone"), MAY_PASS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_shortage_is_not_restarted_and_other_failures_are(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: RagError | OSError,
    code: int,
) -> None:
    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setenv("CUSTOMRAG_SEARCH_URL", "http://search")
    monkeypatch.setenv("CUSTOMRAG_SEARCH_PASSWORD", "secret")
    monkeypatch.setattr(ingest, "_run", fail)
    words = ["--corpus-dir", str(tmp_path), "--corpus-uri", "oss://b/c/", "--index", "chunks"]
    words += ["--embedding-url", "http://node", "--output-dir", str(tmp_path)]
    assert main(words) == code
    assert f"ingest failed: {error}" in capsys.readouterr().err


def test_wrong_settings_are_not_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTOMRAG_SEARCH_URL", raising=False)
    words = ["--corpus-dir", str(tmp_path), "--corpus-uri", "oss://b/c/", "--index", "chunks"]
    words += ["--embedding-url", "http://node", "--output-dir", str(tmp_path)]
    assert main(words) == 1
