"""What a search cluster can do: ``customrag:elasticsearch:Capabilities``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from .declaration import Resource, argument, arguments
from .search import ClusterArgs
from .wire import Out

__all__ = ["SearchCapabilities", "SearchCapabilitiesArgs"]


@arguments
class SearchCapabilitiesArgs(ClusterArgs):
    """Arguments of ``SearchCapabilities``.

    Attributes:
        analyzers: Names of analyzers to try, e.g. ``ik_smart``. Default: none.
        inference_id: A rerank inference endpoint of the cluster, to try
            ``text_similarity_reranker`` with. Default: the retriever is tried with an endpoint that
            does not exist, which shows whether the licence allows it.
        instance_id: See ``SearchIndexArgs``.
    """

    analyzers: pulumi.Input[Sequence[pulumi.Input[str]]] | None = argument(
        "string list", default=None
    )
    inference_id: pulumi.Input[str] | None = argument("string", default=None)
    instance_id: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)


class SearchCapabilities(Resource[SearchCapabilitiesArgs]):
    """What a cluster accepts, found by trying it on an index that is deleted afterwards.

    Why it exists: neither the version nor the name of the licence says what a cluster accepts, and
    Alibaba Cloud's builds differ from Elastic's. Each feature is tried with a write and a query,
    because a licence may refuse only then. A refresh tries again, so a lapsed licence is drift.
    Delete it when no part of the program asks what the cluster can do; nothing else depends on it.

    Each of the three maps has ``{"available": bool, "reason": str}`` by name. The reason is the
    server's own, and usually empty if it is available.

    Attributes:
        server_version: e.g. ``8.17.4``; empty if the user may not read it.
        features: ``knn``, ``rrf``, ``linear``, ``text_similarity_reranker``, ``script_score``,
            ``search_template``, ``search_application``.
        vector_index_kinds: The kinds of ``index_options`` of a ``dense_vector``.
        analyzers_found: The analyzers asked for.
        fusion: ``server`` if the cluster can fuse two searches into one ranking, else ``client``.
        fusion_reason: Why, in words.
    """

    token = "customrag:elasticsearch:Capabilities"  # noqa: S105 - a type token
    server_version = Out[str]()
    features = Out[Mapping[str, Mapping[str, Any]]]()
    vector_index_kinds = Out[Mapping[str, Mapping[str, Any]]]()
    analyzers_found = Out[Mapping[str, Mapping[str, Any]]]()
    fusion = Out[str]()
    fusion_reason = Out[str]()
