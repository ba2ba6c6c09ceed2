"""What an index holds, document by document: the truth that an ingest starts from and ends with.

Owns the questions asked of the index. Nothing is remembered anywhere else, so a run that was cut
off leaves nothing to be out of step with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, AsyncElasticsearch, NotFoundError

from rag.errors import SearchIndexError

__all__ = ["IndexMeta", "IndexedDocument", "chunk_ids", "index_meta", "indexed_documents"]

_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class IndexMeta:
    """What an index's mapping says of it (`_meta`).

    Attributes:
        index: The index's own name, whatever alias it was asked by.
        model_version: The model whose embeddings it holds.
        dimension: Their components.
        embedding_urls: Where that model embeds questions: the nodes of its service.
        chunker: What cut the documents.
    """

    index: str
    model_version: str
    dimension: int
    embedding_urls: tuple[str, ...]
    chunker: str


@dataclass(frozen=True, kw_only=True)
class IndexedDocument:
    """One content of one document in an index.

    Attributes:
        sha256: Of the file the chunks were made of.
        chunks: How many chunks are there.
        chunk_count: How many each of them says there are.
    """

    sha256: str
    chunks: int
    chunk_count: int

    @property
    def complete(self) -> bool:
        """Whether every chunk is there."""
        return self.chunks == self.chunk_count


async def index_meta(client: AsyncElasticsearch, name: str) -> IndexMeta:
    """What the index, or the one index behind the alias, called `name` says of itself.

    Raises:
        SearchIndexError: There is none, more than one, or its mapping is not of `rag.index`.
    """
    try:
        answer = await client.indices.get_mapping(index=name)
    except NotFoundError as error:
        raise SearchIndexError(
            f"there is no index or alias {name!r}; it is made by the deployment: run it again"
        ) from error
    except ApiError as error:
        raise SearchIndexError(f"index {name!r}: {error}") from error
    if len(answer.body) != 1:
        raise SearchIndexError(f"{name!r} stands for {len(answer.body)} indices; it must be one")
    ((index, body),) = answer.body.items()
    meta: Mapping[str, Any] = body["mappings"].get("_meta") or {}
    try:
        return IndexMeta(
            index=index,
            model_version=str(meta["model_version"]),
            dimension=int(meta["dimension"]),
            embedding_urls=tuple(map(str, meta["embedding_urls"])),
            chunker=str(meta["chunker"]),
        )
    except KeyError as error:
        raise SearchIndexError(
            f"index {index!r} has no {error} in its mapping's _meta; it was not made by this "
            f"project's mapping"
        ) from error


async def indexed_documents(
    client: AsyncElasticsearch, index: str
) -> dict[str, list[IndexedDocument]]:
    """Every document in the index by its key; more than one content where a run was cut off."""
    found: dict[str, list[IndexedDocument]] = {}
    sources = [
        {name: {"terms": {"field": name}}}
        for name in ("document_key", "document_sha256", "chunk_count")
    ]
    after: dict[str, Any] = {}
    while True:
        composite = {"size": _PAGE, "sources": sources, **({"after": after} if after else {})}
        answer = await client.search(
            index=index, size=0, aggs={"documents": {"composite": composite}}, request_cache=False
        )
        page = answer["aggregations"]["documents"]
        for bucket in page["buckets"]:
            key = bucket["key"]
            found.setdefault(key["document_key"], []).append(
                IndexedDocument(
                    sha256=key["document_sha256"],
                    chunks=bucket["doc_count"],
                    chunk_count=key["chunk_count"],
                )
            )
        after = page.get("after_key")
        if not after:
            return found


async def chunk_ids(
    client: AsyncElasticsearch, index: str, document_key: str, sha256: str
) -> AsyncIterator[str]:
    """The `_id` of each chunk of one content of one document."""
    filters = [{"term": {"document_key": document_key}}, {"term": {"document_sha256": sha256}}]
    after: list[Any] | None = None
    while True:
        answer = await client.search(
            index=index,
            query={"bool": {"filter": filters}},
            sort=[{"chunk_number": "asc"}],
            search_after=after,
            source=False,
            size=_PAGE,
        )
        hits = answer["hits"]["hits"]
        for hit in hits:
            yield hit["_id"]
        if len(hits) < _PAGE:
            return
        after = hits[-1]["sort"]
