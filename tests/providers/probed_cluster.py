"""A cluster in memory for the probe: it accepts everything but what a test says it refuses.

The refusals have the shapes of Elasticsearch 8.19.21 (seen on one), and those of a licence the
shapes that Elastic's issues quote.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.providers.fake_cluster import Cluster

Refusal = tuple[int, str]
LICENCE = "current license is non-compliant for [Reciprocal Rank Fusion (RRF)]"


class ProbedCluster(Cluster):
    """A cluster that knows every feature.

    Attributes:
        refused: Status and reason by what is refused: a feature, a kind of vector index, or an
            analyzer.
        refused_writes: The reason by kind of vector index that is refused when it is written.
        dies_at: A feature at which the cluster stops answering; empty for never.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, Refusal] = {}
        self.refused_writes: dict[str, str] = {}
        self.dies_at = ""
        self.finds = True

    def add_index(self, name: str, mappings: Any = None, settings: Any = None) -> None:
        super().add_index(name, mappings, settings)
        created = str(int(time.time() * 1000))
        self.indexes[name]["settings"]["index.creation_date"] = created

    def age(self, name: str, seconds: float) -> None:
        """Make an index older than it is."""
        settings = self.indexes[name]["settings"]
        settings["index.creation_date"] = str(int((time.time() - seconds) * 1000))

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        path = urlsplit(target).path.strip("/")
        name, _, rest = path.partition("/")
        if name == "customrag-probe-*" and method == "GET":
            return 200, dict(self.indexes)
        if path.startswith("_nodes"):
            return self._checked("version", {"nodes": {"n": {"version": "8.17.4"}}})
        if path.startswith("_application"):
            return self._checked("search_application", {"count": 0, "results": []})
        if path == "_analyze":
            return self._checked(body["analyzer"], {"tokens": []})
        if rest == "_mapping" and body:
            return self._map(name, body)
        if rest == "_bulk":
            return 200, {"errors": bool(self.refused_writes), "items": self._written(body)}
        if rest == "_search/template":
            return self._checked("search_template", self._hits())
        if rest == "_search":
            return self._checked(_feature(body), self._hits())
        return super().answer(method, target, body)

    def _hits(self) -> dict[str, Any]:
        return {"hits": {"hits": [{"_id": "text"}] if self.finds else []}}

    def _map(self, name: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        ((_, field),) = body["properties"].items()
        status, answer = self._checked(field["index_options"]["type"], {"acknowledged": True})
        if status == 200:
            self.indexes[name]["mappings"]["properties"].update(body["properties"])
        return status, answer

    def _written(self, lines: list[Any]) -> list[Any]:
        items = []
        for line in lines[::2]:
            identifier = line["index"]["_id"]
            item: dict[str, Any] = {"_id": identifier}
            if identifier in self.refused_writes:
                item["error"] = {"type": "x", "reason": self.refused_writes[identifier]}
            items.append({"index": item})
        return items

    def _checked(self, feature: str, answer: Any) -> tuple[int, Any]:
        if self.dies_at == feature:
            self.down_for = 10_000
        if self.down_for:
            return 503, _refusal(503, "starting")
        if feature in self.refused:
            status, reason = self.refused[feature]
            return status, _refusal(status, reason)
        return 200, answer


def _feature(body: Mapping[str, Any]) -> str:
    if "retriever" in body:
        (name,) = body["retriever"]
        return str(name)
    if "query" in body:
        (name,) = body["query"]
        return str(name)
    return str(body["knn"]["field"]).removesuffix("_vector") + " search"


def _refusal(status: int, reason: str) -> dict[str, Any]:
    cause = {"type": "refused", "reason": reason}
    return {
        "error": {"root_cause": [cause], "type": "refused", "reason": "all shards failed"},
        "status": status,
    }
