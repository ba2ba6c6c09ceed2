"""Documents for an engine that embeds them itself: what is sent, and what the embedder is asked."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rag.corpus import sha256_of
from rag.engine_embedding import embedded_in_engine, embeds_itself
from rag.engines.kinds import EngineKind
from rag.index import mappings
from rag.pipeline import Pipeline, Task
from rag.settings import SearchSettings
from tests.rag.fakes import FakeEmbedder, read_here

MAPPINGS = mappings(3, {"model_version": "m", "embedding_urls": []}, engine=EngineKind.OPENSEARCH)


class Recorder(FakeEmbedder):
    """Counts the texts that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    async def embed(self, texts: Sequence[str], input_type: str) -> Any:
        self.texts += len(texts)
        return await super().embed(texts, input_type)


class Writer:
    """Keeps the operations."""

    def __init__(self) -> None:
        self.operations: list[Mapping[str, Any]] = []

    async def write(self, operations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        self.operations += operations
        return {}


def _sent(tmp_path: Path, *, engine_embeds: bool) -> tuple[list[Mapping[str, Any]], int]:
    """Return the operations for a short document, and how many texts the embedder got."""
    path = tmp_path / "a.txt"
    path.write_text("The pump runs at 40 bar.")
    sha256 = sha256_of(path)
    writer, embedder = Writer(), Recorder()
    pipeline = Pipeline(
        embedder,
        writer,  # type: ignore[arg-type] # the part of it that the pipeline uses
        read_here,
        uri_prefix="oss://b/",
        engine_embeds=engine_embeds,
    )
    asyncio.run(pipeline.run([Task(key="docs/a.txt", path=path, sha256=sha256, identity=sha256)]))
    return writer.operations, embedder.texts


def test_an_engine_that_embeds_gets_the_text_and_the_embedder_is_not_asked(tmp_path: Path) -> None:
    (operation,), asked = _sent(tmp_path, engine_embeds=True)
    assert operation["windows"] == [{"text": "The pump runs at 40 bar."}]
    assert asked == 0


def test_any_other_engine_gets_the_embedding(tmp_path: Path) -> None:
    (operation,), asked = _sent(tmp_path, engine_embeds=False)
    (window,) = operation["windows"]
    assert list(window) == ["embedding"]
    assert np.linalg.norm(window["embedding"]) == pytest.approx(1.0, rel=1e-5)
    assert asked > 0


def test_the_mapping_tells_that_the_engine_embeds_and_does_not_keep_the_text() -> None:
    mapping = embedded_in_engine(MAPPINGS)
    assert embeds_itself(mapping)
    assert not embeds_itself(MAPPINGS)
    assert "windows" in mapping["_source"]["excludes"]
    assert "text" not in MAPPINGS["properties"]["windows"]["properties"]


def test_a_certificate_is_given_on_one_line() -> None:
    body = base64.b64encode(b"certificate" * 9).decode()
    settings = SearchSettings(search_url="https://c:9200", search_ca_certificate=body)
    lines = (settings.search_ca_pem or "").splitlines()
    assert lines[0] == "-----BEGIN CERTIFICATE-----"
    assert "".join(lines[1:-1]) == body


def test_a_certificate_that_is_a_path_is_refused() -> None:
    with pytest.raises(ValidationError, match="give the body of the PEM text on one line"):
        SearchSettings(search_url="https://c:9200", search_ca_certificate="/etc/ca.pem")
