"""What this package asks of a search engine, the same for every kind.

Owns the requests that all kinds understand, and the error that each of them raises. Does not own
the bodies of searches (`rag.query`) or the shape of an index (`rag.index`). A kind adds its client
and its form of the vector search (`rag.engines.elasticsearch`).
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rag.errors import SearchEngineError
from rag.query import WORDS, both_scores, vector_body

__all__ = ["JSON", "REFUSALS_OF_A_BUSY_CLUSTER", "Failure", "SearchEngine", "decoded", "may_pass"]

JSON: Mapping[str, str] = {"accept": "application/json", "content-type": "application/json"}


_SCORES = "hits.hits._id,hits.hits._score"

REFUSALS_OF_A_BUSY_CLUSTER = (408, 429, 502, 503, 504)
"""HTTP statuses of requests that may succeed later."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An operation of a bulk request that the engine did not carry out.

    Attributes:
        kind: ``index`` or ``delete``.
        chunk_id: Its `_id`.
        status: HTTP status.
        type: The engine's name for the error; empty for a delete of a missing chunk.
        reason: The engine's text.
    """

    kind: str
    chunk_id: str
    status: int
    type: str = ""
    reason: str = ""

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Failure:
        """Return the failure that an item of a bulk answer describes."""
        ((kind, outcome),) = item.items()
        cause = outcome.get("error", {})
        return cls(
            kind=kind,
            chunk_id=outcome["_id"],
            status=outcome["status"],
            type=str(cause.get("type", "")),
            reason=str(cause.get("reason", "")),
        )


class SearchEngine(ABC):
    """A cluster. Every method raises `SearchEngineError` if the cluster refuses or is silent."""

    @abstractmethod
    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = JSON,
        timeout_seconds: float | None = None,
        retry: bool = True,
    ) -> dict[str, Any]:
        """Return the answer to a request.

        Args:
            method: HTTP method.
            path: Path, quoted.
            body: Becomes JSON; a text is sent as it is.
            params: Parameters of the query.
            headers: Types of the content and of the answer.
            timeout_seconds: Longest wait for the answer. Default: the client's.
            retry: Whether a request that a busy cluster refuses is made again.
        """

    @abstractmethod
    async def bulk(
        self, index: str, operations: Sequence[dict[str, Any]], *, max_request_bytes: int
    ) -> list[Failure]:
        """Carry out operations of `rag.bulk`, once, and return those that failed.

        Args:
            index: The index.
            operations: Index and delete operations; each has its `_id`.
            max_request_bytes: A longer list goes in several requests.
        """

    @abstractmethod
    def nearest(
        self,
        vector: Sequence[float],
        size: int,
        candidates: int,
        among: Collection[str] | None = None,
        *,
        every_window: bool = False,
    ) -> dict[str, Any]:
        """Return the query for the passages with the windows nearest to a vector.

        A passage has the score of its best window: (1 + cosine) / 2.

        Args:
            vector: The question's embedding.
            size: Passages to find.
            candidates: Passages to look at in the graph.
            among: Ids of the passages to search; None for all.
            every_window: Inner hits have every window of a passage, not only the best.
        """

    @property
    @abstractmethod
    def vectors_in_scripts(self) -> str:
        """The field of the embeddings, as a script names it for `cosineSimilarity`."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""

    async def search(
        self, index: str, body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the answer to a search.

        Args:
            index: The index or alias.
            body: The search.
            params: Parameters of the request, such as ``filter_path``.
        """
        return await self.request("POST", f"/{_quoted(index)}/_search", dict(body), params=params)

    def vector_search(
        self,
        vector: Sequence[float],
        size: int,
        candidates: int,
        among: Collection[str] | None = None,
    ) -> dict[str, Any]:
        """Return the body of a vector search, for ids and scores only; arguments as `nearest`."""
        return vector_body(self.nearest(vector, size, candidates, among), size)

    async def both_scores(
        self, index: str, near: Sequence[Mapping[str, Any]], words: Mapping[str, Any], size: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return two scores of the passages of some queries by `_id`, best first.

        The first is the best that the queries give. The second is the word search's, without the
        passages that have no word of the question.

        Args:
            index: The index.
            near: Queries of the vector search, as from `nearest`.
            words: The body of the word search.
            size: Passages to return.
        """
        answer = await self.search(
            index,
            both_scores(near, words, size),
            {
                "filter_path": f"{_SCORES},hits.hits.matched_queries",
                "include_named_queries_score": "true",
            },
        )
        named = {
            hit["_id"]: hit["matched_queries"][WORDS]
            for hit in _hits(answer)
            if "matched_queries" in hit
        }
        return _scores(answer), named

    async def scores(self, index: str, body: Mapping[str, Any]) -> dict[str, float]:
        """Return the scores of the passages that a search finds by `_id`, best first."""
        answer = await self.search(index, body, {"filter_path": _SCORES})
        return _scores(answer)

    async def passages(
        self, index: str, identifiers: Sequence[str], fields: Sequence[str]
    ) -> dict[str, dict[str, Any]]:
        """Return fields of passages by `_id`, without those that the index does not have."""
        answer = await self.request(
            "POST",
            f"/{_quoted(index)}/_mget",
            {"ids": list(identifiers)},
            params={"_source_includes": ",".join(fields)},
        )
        return {one["_id"]: one["_source"] for one in answer["docs"] if one.get("found")}

    async def passage(self, index: str, chunk_id: str) -> dict[str, Any]:
        """Return the fields of a passage; an error of status 404 if the index does not have it."""
        answer = await self.request("GET", f"/{_quoted(index)}/_doc/{_quoted(chunk_id)}")
        source: dict[str, Any] = answer["_source"]
        return source

    async def count(self, index: str) -> int:
        """Return how many chunks an index has."""
        return int((await self.request("GET", f"/{_quoted(index)}/_count"))["count"])

    async def mappings(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the mapping of each index that `name` stands for."""
        answer = await self.request("GET", f"/{_quoted(name)}/_mapping")
        return {index: body["mappings"] for index, body in answer.items()}

    async def create_index(
        self, index: str, mappings: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> None:
        """Create an index."""
        body = {"mappings": dict(mappings), "settings": dict(settings)}
        await self.request("PUT", f"/{_quoted(index)}", body)

    async def delete_index(self, index: str) -> None:
        """Delete an index. It succeeds if the index does not exist."""
        await self.request("DELETE", f"/{_quoted(index)}", params={"ignore_unavailable": "true"})

    async def creation_times(self, pattern: str) -> dict[str, float]:
        """Return when each index whose name matches was created, in seconds since 1970."""
        path = f"/{_quoted(pattern)}/_settings/index.creation_date"
        answer = await self.request("GET", path, params={"expand_wildcards": "all"})
        return {
            index: int(body["settings"]["index"]["creation_date"]) / 1000
            for index, body in answer.items()
        }

    async def change_settings(self, index: str, settings: Mapping[str, Any]) -> None:
        """Change settings of an index; None is the default."""
        await self.request("PUT", f"/{_quoted(index)}/_settings", dict(settings))

    async def refresh(self, index: str) -> None:
        """Make every write visible to searches."""
        await self.request("POST", f"/{_quoted(index)}/_refresh")

    async def merge_segments(self, index: str, timeout_seconds: float) -> None:
        """Merge the segments of each shard into one. It goes on after the time is over."""
        await self.request(
            "POST",
            f"/{_quoted(index)}/_forcemerge",
            params={"max_num_segments": "1"},
            timeout_seconds=timeout_seconds,
            retry=False,
        )
        # OpenSearch goes on searching the former segments until then.
        await self.refresh(index)

    async def move_alias(self, alias: str, index: str) -> None:
        """Point an alias to one index only, in one step."""
        actions: list[dict[str, Any]] = [{"add": {"index": index, "alias": alias}}]
        former = await self.indices_of(alias)
        actions += [{"remove": {"index": one, "alias": alias}} for one in former if one != index]
        await self.request("POST", "/_aliases", {"actions": actions})

    async def indices_of(self, alias: str) -> list[str]:
        """Return the indices that an alias points to; none if it does not exist."""
        try:
            return list(await self.request("GET", f"/_alias/{_quoted(alias)}"))
        except SearchEngineError as error:
            if error.status == 404:
                return []
            raise

    async def check(self, timeout_seconds: float) -> None:
        """Check that the cluster answers and accepts the password."""
        await self.request("GET", "/_cluster/health", timeout_seconds=timeout_seconds, retry=False)


def decoded(value: str) -> bytes:
    """Return the bytes of a binary field, as `docvalue_fields` gives it."""
    # OpenSearch leaves the padding out.
    return base64.b64decode(value + "=" * (-len(value) % 4))


def may_pass(error: BaseException) -> bool:
    """Return whether the request that failed may succeed later."""
    return isinstance(error, SearchEngineError) and (
        error.status is None or error.status in REFUSALS_OF_A_BUSY_CLUSTER
    )


def _scores(answer: Mapping[str, Any]) -> dict[str, float]:
    return {hit["_id"]: hit["_score"] for hit in _hits(answer)}


def _hits(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.get("hits", {}).get("hits", [])
    return found


def _quoted(name: str) -> str:
    return quote(name, safe=",*")
