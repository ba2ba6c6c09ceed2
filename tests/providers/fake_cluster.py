"""A search cluster in memory, behind the transport of a real client.

It answers the requests that the index and the alias make, in the shapes Elasticsearch 8.19.21 gives
(seen on one). It does not search and knows no other request: that one is a 400.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from elastic_transport import BaseNode, HttpHeaders
from elastic_transport._models import ApiResponseMeta
from elastic_transport._node._base import NodeApiResponse
from elasticsearch import Elasticsearch
from opensearchpy import Connection, OpenSearch


def _flat(prefix: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings with dotted names, as the cluster shows them."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        name = f"{prefix}.{key}"
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        flat |= _flat(name, value) if isinstance(value, Mapping) else {name: shown}
    return flat


class Cluster:
    """Indices, aliases and received requests."""

    def __init__(self) -> None:
        self.indexes: dict[str, dict[str, Any]] = {}
        self.aliases: dict[str, set[str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.failed_shards = 0
        self.down_for = 0
        self.made = 0

    def client(self) -> Elasticsearch:
        """Return an Elasticsearch client of this cluster."""
        cluster = self

        class Node(BaseNode):
            def perform_request(  # type: ignore[override]
                self,
                method: str,
                target: str,
                body: bytes | None = None,
                headers: Any = None,
                request_timeout: Any = None,
            ) -> NodeApiResponse:
                status, answer = cluster.answer(method, target, decoded(target, body))
                meta = ApiResponseMeta(
                    node=self.config,
                    duration=0.0,
                    http_version="1.1",
                    status=status,
                    headers=HttpHeaders(
                        {
                            "content-type": "application/json",
                            "x-elastic-product": "Elasticsearch",
                        }
                    ),
                )
                return NodeApiResponse(meta, json.dumps(answer).encode())

            def close(self) -> None:
                return None

        return Elasticsearch(
            "http://cluster:9200", basic_auth=("elastic", "secret"), node_class=Node
        )

    def opensearch_client(self) -> OpenSearch:
        """Return an OpenSearch client of this cluster."""
        cluster = self

        class Wire(Connection):
            def perform_request(
                self, method: str, url: str, params: Any = None, body: Any = None, **_: Any
            ) -> Any:
                target = f"{url}?{urlencode(params)}" if params else url
                status, answer = cluster.answer(method, target, decoded(target, body))
                raw = json.dumps(answer)
                if status >= 400:
                    self._raise_error(status, raw, "application/json")
                return status, {"content-type": "application/json"}, raw

        return OpenSearch(
            "http://cluster:9200", connection_class=Wire, http_compress=False, max_retries=0
        )

    def add_index(self, name: str, mappings: Any = None, settings: Any = None) -> None:
        """Make an index, as the cluster would show it."""
        self.made += 1
        flat = {"index.number_of_shards": "1", "index.number_of_replicas": "1"}
        flat |= _flat("index", (settings or {}).get("index", settings or {}))
        flat["index.uuid"] = f"uuid-{self.made}"
        self.indexes[name] = {"mappings": mappings or {}, "settings": flat, "count": 0}

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Status and body of the reply."""
        parts = urlsplit(target)
        path = parts.path.strip("/")
        self.requests.append((method, path))
        if self.down_for > 0:
            self.down_for -= 1
            return 503, _error("unavailable_exception", "starting", 503)
        name, _, rest = path.partition("/")
        if path == "_cluster/health":
            return 200, {"status": "green"}
        if name == "_alias":
            return self._get_alias(rest)
        if path == "_aliases":
            return self._update_aliases(body)
        if method == "PUT" and not rest:
            return self._create(name, body)
        if method == "GET" and rest == "_mapping":
            pattern = unquote(name)
            found = {key: index for key, index in self.indexes.items() if fnmatch(key, pattern)}
            return 200, {key: {"mappings": index["mappings"]} for key, index in found.items()}
        names = self.aliases.get(name, {name} & self.indexes.keys())
        if not names:
            return 404, _error("index_not_found_exception", f"no such index [{name}]", 404)
        index = self.indexes[sorted(names)[0]]
        return self._on_index(method, sorted(names)[0], rest, index, body, parse_qs(parts.query))

    def _on_index(
        self, method: str, name: str, rest: str, index: dict[str, Any], body: Any, query: Any
    ) -> tuple[int, Any]:
        if method == "GET" and not rest:
            return 200, {name: {key: index[key] for key in ("mappings", "settings")}}
        if method == "DELETE" and rest.startswith("_alias/"):
            self.aliases.get(rest.removeprefix("_alias/"), set()).discard(name)
            return 200, {"acknowledged": True}
        if method == "DELETE" and not rest:
            del self.indexes[name]
            for targets in self.aliases.values():
                targets.discard(name)
            return 200, {"acknowledged": True}
        if rest == "_refresh":
            return 200, {"_shards": {"total": 1, "successful": 1, "failed": 0}}
        if rest == "_count":
            shards = {"total": 1, "failed": self.failed_shards}
            return 200, {"count": index["count"], "_shards": shards}
        if rest == "_mapping":
            index["mappings"].update(body)
            return 200, {"acknowledged": True}
        if rest == "_settings":
            index["settings"].update(body)
            return 200, {"acknowledged": True}
        return 400, _error("illegal_argument_exception", f"unknown request {method} {rest}", 400)

    def _create(self, name: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        if name in self.indexes:
            reason = f"index [{name}] already exists"
            return 400, _error("resource_already_exists_exception", reason, 400)
        self.add_index(name, body.get("mappings"), body.get("settings"))
        return 200, {"acknowledged": True, "index": name}

    def _get_alias(self, alias: str) -> tuple[int, Any]:
        targets = self.aliases.get(alias, set())
        if not targets:
            return 404, {"error": f"alias [{alias}] missing", "status": 404}
        return 200, {name: {"aliases": {alias: {}}} for name in targets}

    def _update_aliases(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        for action in body["actions"]:
            ((kind, spec),) = action.items()
            if kind == "add" and spec["index"] not in self.indexes:
                return 404, _error("index_not_found_exception", "no such index", 404)
        for action in body["actions"]:
            ((kind, spec),) = action.items()
            targets = self.aliases.setdefault(spec["alias"], set())
            (targets.add if kind == "add" else targets.discard)(spec["index"])
        return 200, {"acknowledged": True}


def decoded(target: str, body: bytes | None) -> Any:
    """Return a body as JSON; that of a bulk request is one document to a line."""
    if "/_bulk" in target:
        return [json.loads(line) for line in (body or b"").splitlines()]
    return json.loads(body or b"null")


def _error(kind: str, reason: str, status: int) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason}, "status": status}
