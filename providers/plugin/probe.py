"""Finds out what a search cluster accepts, by trying it on an index of its own.

Owns: the throw-away index, what is tried in it, and which answers are a refusal. The index has one
primary shard, no replica and one document for each kind of vector index; it is hidden, and deleted
whatever happens. Does not own the resource that shows the findings (``capabilities``).

A refusal is an answer of the server about this request. A wrong password, a cluster that is
overloaded or does not answer is an error: nothing was found out.

Sources: elastic.co/guide 8.19, "Retriever", "Dense vector field type", "Search templates", "List
Search Applications" (read 2026-11); the answers of Elasticsearch 8.19.21 without a licence.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from elasticsearch import ApiError

from pluginhost import ProviderError
from providers.clients.errors import ClientError, NotFoundError
from providers.plugin.generations import delete_index
from providers.plugin.search import SearchCluster

__all__ = ["VECTOR_INDEX_KINDS", "Finding", "Findings", "probe", "remove_leftovers"]

VECTOR_INDEX_KINDS: Final = (
    "hnsw",
    "int8_hnsw",
    "int4_hnsw",
    "bbq_hnsw",
    "flat",
    "int8_flat",
    "int4_flat",
    "bbq_flat",
)
_PREFIX: Final = "customrag-probe-"
_MARK: Final = "customrag_probe"
# A probe takes seconds. An older index was left behind by a killed one.
_LEFTOVER_SECONDS: Final = 3600
# bbq needs 64 dimensions or more, int4 an even number.
_DIMENSION: Final = 64
_VECTOR: Final = [1.0 / (1 + place) for place in range(_DIMENSION)]
_WORD: Final = "probe"
# Of the Python client's own method a warning says that the API is in beta.
_APPLICATIONS: Final = "/_application/search_application?size=1"
_JSON: Final = {"accept": "application/json"}
_MISSING_ENDPOINT: Final = "customrag-probe-missing"
# The server's state, and not an answer about the request.
_NO_ANSWER: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whether the cluster accepts one thing.

    Attributes:
        available: Whether it does.
        reason: The server's own reason of a refusal.
    """

    available: bool
    reason: str = ""

    def shown(self) -> dict[str, Any]:
        """Return it for an output."""
        return {"available": self.available, "reason": self.reason}


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a probe found, each by name."""

    server_version: str
    features: Mapping[str, Finding]
    vector_index_kinds: Mapping[str, Finding]
    analyzers: Mapping[str, Finding]


def probe(search: SearchCluster, analyzers: Sequence[str], inference_id: str | None) -> Findings:
    """Try everything on an index that exists only meanwhile.

    Args:
        search: The cluster.
        analyzers: Analyzers to try.
        inference_id: A rerank endpoint of the cluster; None to try no model.

    Raises:
        ClientError: The cluster did not answer, or the user may not create an index.
        ProviderError: The cluster did not store a document.
    """
    with _index(search) as name:
        kinds = _try_kinds(search, name)
        features = {
            feature: _try(search, feature, _found(search, name, body))
            for feature, body in _searches().items()
        }
        features["text_similarity_reranker"] = _try_reranker(search, name, inference_id)
        features["search_template"] = _try(search, "search_template", _rendered(search, name))
        features["search_application"] = _try(
            search,
            "search_application",
            # It changes nothing. Every route of search applications asks the licence first.
            lambda: bool(search.client.perform_request("GET", _APPLICATIONS, headers=_JSON)),
        )
        found = {analyzer: _try_analyzer(search, analyzer) for analyzer in analyzers}
    return Findings(
        server_version=_server_version(search),
        features=features,
        vector_index_kinds=kinds,
        analyzers=found,
    )


def remove_leftovers(search: SearchCluster) -> list[str]:
    """Delete the indices that killed probes left behind; return their names."""
    pattern = f"{_PREFIX}*"
    try:
        found = search.ask(
            f"GetIndex {pattern}",
            lambda: search.client.indices.get(
                index=pattern, expand_wildcards="all", flat_settings=True
            ),
        )
    except NotFoundError:
        return []
    latest = (time.time() - _LEFTOVER_SECONDS) * 1000
    leftovers = [
        name
        for name, body in sorted(dict(found).items())
        if (body["mappings"].get("_meta") or {}).get(_MARK)
        and int(body["settings"]["index.creation_date"]) < latest
    ]
    for name in leftovers:
        delete_index(search, name)
    return leftovers


@contextmanager
def _index(search: SearchCluster) -> Iterator[str]:
    """Create the throw-away index, and delete it at the end."""
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    settings = {"number_of_shards": 1, "number_of_replicas": 0, "hidden": True}
    mappings = {
        "dynamic": "strict",
        "_meta": {_MARK: True},
        "properties": {"text": {"type": "text"}},
    }
    try:
        search.ask(
            f"CreateIndex {name}",
            lambda: search.client.indices.create(index=name, mappings=mappings, settings=settings),
        )
        yield name
    finally:
        delete_index(search, name)


def _try(search: SearchCluster, feature: str, attempt: Callable[[], bool]) -> Finding:
    """Return whether an attempt succeeds.

    Raises:
        ClientError: The cluster did not answer.
    """
    try:
        if search.ask(f"Probe {feature}", attempt):
            return Finding(available=True)
    except ClientError as error:
        if error.http_status is None or error.http_status in _NO_ANSWER:
            raise
        return Finding(available=False, reason=_reason(error))
    return Finding(available=False, reason="the search did not find the document of the probe")


def _reason(error: ClientError) -> str:
    """Return the innermost reason: "all shards failed" says less than its cause.

    It is the same after every probe, so that a refresh shows only real drift.
    """
    cause = error.__cause__
    body = cause.body if isinstance(cause, ApiError) and isinstance(cause.body, dict) else {}
    details = body.get("error")
    causes = details.get("root_cause") if isinstance(details, dict) else None
    if isinstance(details, str):
        reason = details
    else:
        reason = str(causes[0].get("reason")) if causes else error.message
    return re.sub(rf"{_PREFIX}[0-9a-f]+", "customrag-probe", reason)


def _try_kinds(search: SearchCluster, name: str) -> dict[str, Finding]:
    """Map, write and search a vector of each kind, and write the text of the other searches."""

    def field_of(kind: str) -> Callable[[], bool]:
        options = {
            "type": "dense_vector",
            "dims": _DIMENSION,
            "index": True,
            "similarity": "cosine",
            "index_options": {"type": kind},
        }
        return lambda: bool(
            search.client.indices.put_mapping(index=name, properties={f"{kind}_vector": options})
        )

    found = {kind: _try(search, kind, field_of(kind)) for kind in VECTOR_INDEX_KINDS}
    mapped = [kind for kind in VECTOR_INDEX_KINDS if found[kind].available]
    operations: list[dict[str, Any]] = []
    for kind in mapped:
        operations += [{"index": {"_id": kind}}, {f"{kind}_vector": _VECTOR}]
    operations += [{"index": {"_id": "text"}}, {"text": _WORD}]
    written = search.ask(
        f"Bulk {name}",
        lambda: search.client.bulk(index=name, operations=operations, refresh=True),
    )
    for item in written["items"]:
        identifier, failure = item["index"]["_id"], item["index"].get("error")
        if failure and identifier == "text":
            raise ProviderError(f"the cluster did not store a text: {failure.get('reason')}")
        if failure:
            found[identifier] = Finding(available=False, reason=str(failure.get("reason")))
    for kind in mapped:
        if found[kind].available:
            body = {"knn": _knn(f"{kind}_vector")}
            found[kind] = _try(search, kind, _found(search, name, body))
    return found


def _knn(field: str) -> dict[str, Any]:
    return {"field": field, "query_vector": _VECTOR, "k": 1, "num_candidates": 10}


def _searches() -> dict[str, dict[str, Any]]:
    """Return the searches by the feature that they try. Each finds a document of the probe."""
    words = {"match": {"text": _WORD}}
    two = [{"standard": {"query": words}}, {"knn": _knn("hnsw_vector")}]
    weighted = [{"retriever": item, "weight": 1.0, "normalizer": "minmax"} for item in two]
    return {
        "knn": {"knn": _knn("hnsw_vector")},
        "rrf": {"retriever": {"rrf": {"retrievers": two, "rank_window_size": 10}}},
        "linear": {"retriever": {"linear": {"retrievers": weighted, "rank_window_size": 10}}},
        "script_score": {
            "query": {
                "script_score": {
                    "query": {"exists": {"field": "hnsw_vector"}},
                    "script": {
                        "source": "cosineSimilarity(params.v, 'hnsw_vector') + 1.0",
                        "params": {"v": _VECTOR},
                    },
                }
            }
        },
    }


def _found(search: SearchCluster, name: str, body: Mapping[str, Any]) -> Callable[[], bool]:
    return lambda: bool(search.client.search(index=name, size=1, **body)["hits"]["hits"])


def _rendered(search: SearchCluster, name: str) -> Callable[[], bool]:
    def attempt() -> bool:
        answer = search.client.search_template(
            index=name,
            source='{"query": {"match": {"text": "{{word}}"}}, "size": 1}',
            params={"word": _WORD},
        )
        return bool(answer["hits"]["hits"])

    return attempt


def _try_reranker(search: SearchCluster, name: str, inference_id: str | None) -> Finding:
    """Rerank the one text; without an endpoint, see whether the server gets as far as it."""
    reranker = {
        "retriever": {"standard": {"query": {"match": {"text": _WORD}}}},
        "field": "text",
        "inference_id": inference_id or _MISSING_ENDPOINT,
        "inference_text": _WORD,
        "rank_window_size": 10,
    }
    body = {"retriever": {"text_similarity_reranker": reranker}}
    finding = _try(search, "text_similarity_reranker", _found(search, name, body))
    if inference_id is None and _MISSING_ENDPOINT in finding.reason:
        return Finding(
            available=True,
            reason="the server accepts it; no model was tried, because inferenceId is not set",
        )
    return finding


def _try_analyzer(search: SearchCluster, analyzer: str) -> Finding:
    return _try(
        search,
        analyzer,
        lambda: bool(search.client.indices.analyze(analyzer=analyzer, text=_WORD)),
    )


def _server_version(search: SearchCluster) -> str:
    """Return the version of a node; empty if the user may not read it."""

    def ask() -> dict[str, Any]:
        answer = search.client.nodes.info(node_id="_local", filter_path="nodes.*.version")
        return dict(answer.body.get("nodes", {}))

    try:
        nodes = search.ask("NodesInfo", ask)
    except ClientError as error:
        if error.http_status is None or error.http_status in _NO_ANSWER:
            raise
        return ""
    return next((str(node.get("version", "")) for node in nodes.values()), "")
