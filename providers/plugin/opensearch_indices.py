"""Life cycles of ``customrag:opensearch:Index`` and ``customrag:opensearch:Alias``.

The life cycles of Elasticsearch (``search_index``, ``index_alias``), on another client. Owns what
OpenSearch asks of an index with vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pluginhost import contains_unknown
from providers.declaration import inputs_of
from providers.opensearch import Alias, AliasArgs, Index, IndexArgs
from providers.plugin.framework import Call, Failure, Values
from providers.plugin.index_alias import IndexAliasHandler
from providers.plugin.opensearch_cluster import (
    await_authority,
    check_certificate,
    node_is_gone,
    opensearch,
)
from providers.plugin.search import SearchCluster, flat_settings, refuse_unnoticed_loss
from providers.plugin.search_index import SearchIndexHandler

__all__ = ["OpenSearchAliasHandler", "OpenSearchIndexHandler"]


class OpenSearchIndexHandler(SearchIndexHandler):
    """An index of OpenSearch."""

    token = Index.token
    inputs = inputs_of(IndexArgs)
    # Source: docs.opensearch.org/2.19, "Index settings", dynamic (read 2026-11).
    dynamic = SearchIndexHandler.dynamic | {
        "index.default_pipeline",
        "index.search.default_pipeline",
        "index.knn.algo_param.ef_search",
    }

    def connect(self, inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster:
        return opensearch(inputs, call, attempts=attempts)

    def is_lost(self, inputs: Values, call: Call) -> bool:
        return node_is_gone(inputs, call)

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        return super().update(olds, inputs, call)

    def refuse_loss(self, inputs: Values, call: Call) -> None:
        # The data outlives the instance of a node, and an update replaces instances.
        refuse_unnoticed_loss(inputs, call, self.connect, by_instance=False)

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)
        yield from super().check(inputs)
        types = set(_types(inputs.get("mappings")))
        if "dense_vector" in types:
            yield Failure(
                "mappings", "has a dense_vector, which is Elasticsearch's; write knn_vector"
            )
        if "knn_vector" in types and not _may_search_vectors(inputs.get("settings")):
            yield Failure(
                "settings",
                "lacks index.knn true, without which a knn_vector of mappings is not searched",
            )


class OpenSearchAliasHandler(IndexAliasHandler):
    """An alias of OpenSearch."""

    token = Alias.token
    inputs = inputs_of(AliasArgs)

    def connect(self, inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster:
        return opensearch(inputs, call, attempts=attempts)

    def is_lost(self, inputs: Values, call: Call) -> bool:
        return node_is_gone(inputs, call)

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        await_authority(olds, inputs, call)
        return super().update(olds, inputs, call)

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from check_certificate(inputs)
        yield from super().check(inputs)


def _may_search_vectors(settings: Any) -> bool:
    """Return whether settings turn k-NN on, or are not known yet."""
    if contains_unknown(settings):
        return True
    return flat_settings(settings).get("index.knn") == "true"


def _types(mapping: Any) -> Iterator[str]:
    """Yield the type of every field in a mapping."""
    if isinstance(mapping, Mapping):
        for name, value in mapping.items():
            if name == "type" and isinstance(value, str):
                yield value
            yield from _types(value)
