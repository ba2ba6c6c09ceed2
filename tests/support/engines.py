"""Both search engines, real, behind the interface of `rag`.

A test that takes `lent` runs on each engine. One that takes `both_engines` has both, and needs both
of their markers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.opensearch.borrow import Borrowed
from opensearch_node.security import DEPLOYER
from providers.clients import elasticsearch, opensearch
from rag.engines.base import SearchEngine
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.engines.kinds import EngineKind
from rag.engines.opensearch import OpenSearchEngine
from tests.support.elasticsearch import ElasticsearchServer

__all__ = ["Lent", "both_engines", "lent"]


@dataclass(frozen=True)
class Lent:
    """A running engine.

    Attributes:
        kind: Its kind.
        connect: Connects to it; takes another password.
    """

    kind: EngineKind
    connect: Callable[..., SearchEngine]


def _elasticsearch(server: ElasticsearchServer) -> Lent:
    def connect(password: str = server.password) -> SearchEngine:
        return ElasticsearchEngine(
            elasticsearch.async_client(server.url, server.username, password)
        )

    return Lent(EngineKind.ELASTICSEARCH, connect)


def _opensearch(server: Borrowed) -> Lent:
    authority = server.ca_file.read_text()

    def connect(password: str = server.passwords[DEPLOYER]) -> SearchEngine:
        client = opensearch.async_client(server.url, DEPLOYER, password, authority)
        return OpenSearchEngine(client)

    return Lent(EngineKind.OPENSEARCH, connect)


def _lend(kind: EngineKind, request: pytest.FixtureRequest) -> Lent:
    server: Any = request.getfixturevalue(f"{kind}_server")
    return _elasticsearch(server) if kind is EngineKind.ELASTICSEARCH else _opensearch(server)


@pytest.fixture(
    scope="session",
    params=[
        # Plain texts, because processes of pytest-xdist cannot send an enum.
        pytest.param(kind, marks=getattr(pytest.mark, kind.value), id=kind.value)
        for kind in EngineKind
    ],
)
def lent(request: pytest.FixtureRequest) -> Lent:
    """Lend each engine in turn."""
    return _lend(request.param, request)


@pytest.fixture(scope="session")
def both_engines(request: pytest.FixtureRequest) -> dict[EngineKind, Lent]:
    """Lend both engines at once."""
    return {kind: _lend(kind, request) for kind in EngineKind}
