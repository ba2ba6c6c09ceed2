"""The search engines that an evaluation asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from providers.clients import elasticsearch, opensearch
from rag.engines.base import SearchEngine
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.engines.kinds import EngineKind
from rag.engines.opensearch import OpenSearchEngine
from rag.errors import SearchEngineError, SearchIndexError
from training.settings import EvaluationSettings

__all__ = ["Cluster", "clusters_of"]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The address of a search engine.

    Attributes:
        url: ``http[s]://host:port``.
        username: The user that indexes and searches.
        password: The user's password.
        kind: The kind of engine.
        ca_certificate: PEM text of OpenSearch's own authority; empty for one that this machine
            trusts.
    """

    url: str
    username: str
    password: str = field(repr=False)
    kind: EngineKind = EngineKind.ELASTICSEARCH
    ca_certificate: str = ""

    @property
    def name(self) -> str:
        """The engine's name."""
        return "Elasticsearch" if self.kind is EngineKind.ELASTICSEARCH else "OpenSearch"

    def engine(self) -> SearchEngine:
        """Return the engine, which the caller closes."""
        address = (self.url, self.username, self.password)
        if self.kind is EngineKind.OPENSEARCH:
            return OpenSearchEngine(opensearch.async_client(*address, self.ca_certificate or None))
        return ElasticsearchEngine(elasticsearch.async_client(*address, http_compress=False))

    async def check(self, engine: SearchEngine) -> None:
        """Check that the cluster answers and accepts the password.

        Raises:
            SearchIndexError: It does not.
        """
        try:
            await engine.check(timeout_seconds=10)
        except SearchEngineError as error:
            raise SearchIndexError(
                f"{self.name} at {self.url} does not serve {self.username!r}: {error}. Check that "
                f"it is up (`make up`) and CUSTOMRAG_{self.kind.upper()}_PASSWORD is its password."
            ) from error


def clusters_of(settings: EvaluationSettings) -> Iterator[Cluster]:
    """Yield the engines that the environment names."""
    if settings.elasticsearch_url:
        yield Cluster(
            url=settings.elasticsearch_url,
            username=settings.elasticsearch_username,
            password=settings.elasticsearch_password.get_secret_value(),
        )
    if settings.opensearch_url:
        yield Cluster(
            kind=EngineKind.OPENSEARCH,
            url=settings.opensearch_url,
            username=settings.opensearch_username,
            password=settings.opensearch_password.get_secret_value(),
            ca_certificate=Path(settings.opensearch_ca).read_text()
            if settings.opensearch_ca
            else "",
        )
