"""An index and an alias in a cluster in memory. Import the fixtures."""

from __future__ import annotations

from typing import Any

import pytest

from rag.index import SETTINGS, mappings
from tests.providers.fake_cluster import Cluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

__all__ = ["ALIAS", "INDEX", "META", "alias", "cluster", "index", "services"]

META = {"model_version": "abc", "embedding_urls": ["http://10.0.0.1:8000"]}
INDEX: dict[str, Any] = {
    "endpoint": "http://cluster:9200",
    "username": "elastic",
    "password": "secret",
    "indexName": "chunks-1",
    "mappings": mappings(384, META),
    "settings": dict(SETTINGS),
}
ALIAS: dict[str, Any] = {
    "endpoint": "http://cluster:9200",
    "username": "elastic",
    "password": "secret",
    "alias": "chunks",
    "indexName": "chunks-1",
    "expectedChunks": 7,
}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def services(cluster: Cluster) -> FakeServices:
    elsewhere = Cluster()
    clusters = {"http://elsewhere:9200": elsewhere}
    return FakeServices(
        FakeOss(), FakeDlc(), lambda endpoint: clusters.get(endpoint, cluster).client()
    )


@pytest.fixture
def index(services: FakeServices) -> Engine:
    return Engine("customrag:elasticsearch:Index", services)


@pytest.fixture
def alias(services: FakeServices) -> Engine:
    return Engine("customrag:elasticsearch:Alias", services)
