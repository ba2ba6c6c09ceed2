"""An ingest into a real OpenSearch 2.19.1 that lacks memory, disk or its model.

The cluster's own settings make it short of them. What that cannot prove: how soon a real shortage
ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pluginhost import ProviderError
from providers import opensearch_bodies as bodies
from providers.clients.opensearch import async_client
from rag import index as chunks
from rag.corpus import load_corpus
from rag.engine_embedding import FIELD_MAP, embedded_in_engine
from rag.engines.kinds import EngineKind
from rag.engines.opensearch import OpenSearchEngine
from rag.errors import ClusterShortageError
from rag.ingest import IngestResult, ingest
from rag.reader_process import DocumentReader
from tests.localcloud.running import until
from tests.providers.fakes import Engine, FakeServices
from tests.providers.opensearch_engine.support import engine_for, model_id
from tests.rag.fakes import FakeEmbedder
from tests.support.small_model import DIMENSION, MODEL_CONFIG, write_small_model

pytestmark = pytest.mark.opensearch

INDEX, PIPELINE = "shortages-1", "shortages"
ML = "plugins.ml_commons"
ROUTING = "cluster.routing.allocation.disk"
FULL = {f"{ROUTING}.watermark.{name}": "1%" for name in ("low", "high", "flood_stage")}
OFTEN = {f"{ROUTING}.reroute_interval": "1s", "cluster.info.update.interval": "10s"}
"""With these settings, the cluster looks often at its disks."""


@pytest.fixture
def model(
    services: FakeServices, settings: Engine, cluster: dict[str, Any], group: str, folder: Path
) -> Iterator[Engine]:
    small = write_small_model(folder / "shortages.zip")
    engine = engine_for("Model", services)
    engine.up(
        {
            **cluster,
            "modelName": "shortages",
            "modelGroupId": group,
            "modelUri": f"file://{small.path}",
            "modelContentHashValue": small.sha256,
            "modelConfig": MODEL_CONFIG,
            "timeoutSeconds": 120,
        }
    )
    yield engine
    engine.destroy()


@pytest.fixture
def index(model: Engine, client: Any) -> Iterator[str]:
    processor = bodies.text_embedding(model_id(model), FIELD_MAP)
    client.ingest.put_pipeline(id=PIPELINE, body=bodies.ingest_pipeline(processor))
    meta = {"model_version": "small", "embedding_urls": ["http://embedder"]}
    kind = EngineKind.OPENSEARCH
    body = {
        "mappings": embedded_in_engine(chunks.mappings(DIMENSION, meta, engine=kind)),
        "settings": {"index": {**chunks.settings(kind)["index"], "default_pipeline": PIPELINE}},
    }
    client.indices.create(index=INDEX, body=body)
    yield INDEX
    client.indices.delete(index=INDEX)
    client.ingest.delete_pipeline(id=PIPELINE)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for word in ("alarm", "pump", "valve"):
        text = f"# The {word}\n\nTo clear the {word}, hold the button in winter."
        (tmp_path / "docs" / f"{word}.md").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(
    cluster: dict[str, Any], corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[str]], IngestResult]:
    """Return a function that runs an ingest and adds its lines of progress to a list."""
    monkeypatch.setattr("rag.bulk._SHORTAGE_SECONDS", 1.5)
    monkeypatch.setattr("rag.bulk._RETRY_SECONDS", 1.5)
    monkeypatch.setattr("rag.bulk._MAX_WAIT_SECONDS", 0.5)
    monkeypatch.setattr("rag.ingest._PROGRESS_SECONDS", 0.1)

    async def main(lines: list[str]) -> IngestResult:
        engine = OpenSearchEngine(
            async_client(
                cluster["endpoint"],
                cluster["username"],
                cluster["password"],
                cluster["caCertificate"],
            )
        )
        try:
            with DocumentReader() as reader:
                return await ingest(
                    engine,
                    FakeEmbedder(),
                    reader,
                    load_corpus(corpus),
                    index=INDEX,
                    corpus_uri="oss://bucket/corpus/",
                    report=lines.append,
                )
        finally:
            await engine.close()

    return lambda lines: asyncio.run(main(lines))


def _set(client: Any, settings: dict[str, Any]) -> None:
    client.cluster.put_settings(body={"persistent": settings})


def _blocks(client: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.cluster.state(metric="blocks")["blocks"]
    return found


@pytest.mark.parametrize(
    ("lack", "remedy"),
    [
        ({f"{ML}.jvm_heap_memory_threshold": 1}, "Raise customrag:opensearchHeapMib"),
        ({f"{ML}.disk_free_space_threshold": "9000gb"}, "Raise customrag:opensearchDiskGib"),
    ],
    ids=["memory", "disk"],
)
def test_an_open_breaker_stops_an_ingest_with_what_to_do(
    index: str,
    client: Any,
    run: Callable[[list[str]], IngestResult],
    lack: dict[str, Any],
    remedy: str,
) -> None:
    lines: list[str] = []
    before = {f"{ML}.jvm_heap_memory_threshold": 100, f"{ML}.disk_free_space_threshold": None}
    _set(client, lack)
    try:
        with pytest.raises(ClusterShortageError, match=remedy):
            run(lines)
    finally:
        _set(client, {name: before[name] for name in lack})
    assert any(f"waiting: {_lack(remedy)}" in line for line in lines)
    result = run(lines)
    assert (result.documents, result.unread) == (3, 0)


def _lack(remedy: str) -> str:
    return "The Java heap of an OpenSearch" if "Heap" in remedy else "The disk of an OpenSearch"


def test_documents_that_meet_a_model_that_is_not_deployed_are_not_left_out(
    index: str, client: Any, model: Engine, run: Callable[[list[str]], IngestResult]
) -> None:
    inputs = dict(model.state.inputs) if model.state else {}
    client.plugins.ml.undeploy_model(model_id=model_id(model))
    with pytest.raises(ClusterShortageError, match=r"is not deployed\. Run `make up`"):
        run([])
    model.up(inputs)
    assert run([]).documents == 3


def test_a_full_disk_stops_an_ingest_a_registration_and_a_new_index_with_what_to_do(
    index: str,
    client: Any,
    services: FakeServices,
    model: Engine,
    run: Callable[[list[str]], IngestResult],
    folder: Path,
) -> None:
    inputs = dict(model.state.inputs) if model.state else {}
    other = write_small_model(folder / "full.zip", seed=3)
    _set(client, {**FULL, **OFTEN})
    try:
        until(lambda: INDEX in _blocks(client).get("indices", {}), "a read-only index", 90.0)
        with pytest.raises(ClusterShortageError, match="Raise customrag:opensearchDiskGib"):
            run([])
        second = engine_for("Model", services)
        with pytest.raises(ProviderError, match="Raise customrag:opensearchDiskGib"):
            second.up(
                {
                    **inputs,
                    "modelName": "full",
                    "modelUri": f"file://{other.path}",
                    "modelContentHashValue": other.sha256,
                }
            )
        created = engine_for("Index", services)
        address = {name: inputs[name] for name in ("endpoint", "username", "password")}
        with pytest.raises(ProviderError, match="Raise customrag:opensearchDiskGib"):
            created.up(
                {
                    **address,
                    "caCertificate": inputs["caCertificate"],
                    "indexName": "shortages-2",
                    "mappings": {"properties": {}},
                }
            )
    finally:
        _set(client, dict.fromkeys(FULL))
    # Other tests share the cluster.
    until(lambda: not _blocks(client), "a cluster without blocks", 90.0)
    _set(client, dict.fromkeys(OFTEN))
    assert run([]).documents == 3
