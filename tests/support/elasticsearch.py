"""A real Elasticsearch instance of the local cloud, one per test session.

Mark the tests that use `elasticsearch_server` `elasticsearch`. Tests share the engine: each makes
indices with its own names and removes them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from localcloud.core.home import init_home
from localcloud.core.resources import Context
from localcloud.daemon import make_context
from localcloud.elasticsearch.resources import Instance
from rag.engines.base import SearchEngine
from rag.engines.elasticsearch import ElasticsearchEngine

__all__ = ["INPUTS", "PASSWORD", "ElasticsearchServer", "elasticsearch_server"]

PASSWORD = "Test-only-1"
INPUTS: dict[str, Any] = {
    "version": "8.17_with_X-Pack",
    "vswitchId": "vsw-1",
    "password": PASSWORD,
    "protocol": "HTTP",
    "paymentType": "PayAsYouGo",
    "dataNodeConfiguration": {"spec": "elasticsearch.sn2ne.large", "amount": 2, "disk": 20},
}


@dataclass(frozen=True)
class ElasticsearchServer:
    """A running instance.

    Attributes:
        url: Where it answers.
        username: Its superuser.
        password: That user's password.
        instance_id: The instance.
        outputs: The outputs of its creation.
        context: The local cloud it runs in.
    """

    url: str
    username: str
    password: str = field(repr=False)
    instance_id: str
    outputs: dict[str, Any] = field(repr=False)
    context: Context = field(repr=False)

    def client(self, **options: Any) -> Elasticsearch:
        """Return a client with the instance's superuser; close it after use."""
        return Elasticsearch(self.url, basic_auth=(self.username, self.password), **options)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[SearchEngine]:
        """Lend the instance as `rag` uses it, with its superuser."""
        auth = (self.username, self.password)
        engine = ElasticsearchEngine(AsyncElasticsearch(self.url, basic_auth=auth))
        try:
            yield engine
        finally:
            await engine.close()


@pytest.fixture(scope="session")
def elasticsearch_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ElasticsearchServer]:
    """Create an Elasticsearch instance with its resource handler, and delete it at the end."""
    home = tmp_path_factory.mktemp("elasticsearch-home")
    init_home(home)
    context = make_context(home)
    handler = Instance()
    try:
        created = handler.create(INPUTS, context)
        outputs = created.outputs
        yield ElasticsearchServer(
            url=f"http://{outputs['domain']}:{outputs['port']}",
            username="elastic",
            password=PASSWORD,
            instance_id=created.id,
            outputs=outputs,
            context=context,
        )
        handler.delete(created.id, outputs, context)
    finally:
        context.supervisor.stop_all()
        context.store.close()
