"""Reads which documents an index has. An ingest starts and ends with it.

Owns the queries. The index is the only record, so an interrupted run leaves nothing that could
differ from it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from rag.engine_embedding import embeds_itself
from rag.engines.base import SearchEngine
from rag.errors import SearchEngineError, SearchIndexError
from rag.fuse import DEFAULT_WEIGHT
from rag.language import knows
from rag.token_form import TokenForm

__all__ = [
    "FirstChunk",
    "IndexMeta",
    "IndexedDocument",
    "chunk_ids",
    "first_chunks",
    "index_languages",
    "index_meta",
    "indexed_documents",
]

_PAGE = 1000
_MOST_LANGUAGES = 200


@dataclass(frozen=True, kw_only=True)
class IndexMeta:
    """The `_meta` of an index's mapping.

    Attributes:
        index: The index's own name, not an alias.
        model_version: The model that computed its embeddings.
        dimension: Components of an embedding.
        embedding_urls: The nodes that embed questions with that model.
        chunker: The chunker that cut the documents.
        analyser: The analysis that made their terms; empty if the index is older than that field.
        search_weight: Share of the vector search in the ranking, 0 to 1. An index without it gets
            the default.
        model_languages: Languages that the model knows; empty for many.
        token_form: Form of the chunks' token vectors; None without them, or if this version
            cannot read them.
        rerank_weight: Share of the late interaction among the best passages, 0 to 1.
        cross_encoder_weight: Share of the cross-encoder among the best of them, 0 to 1.
        embeds_itself: Whether the engine embeds the documents.
    """

    index: str
    model_version: str
    dimension: int
    embedding_urls: tuple[str, ...]
    chunker: str
    analyser: str
    search_weight: float = DEFAULT_WEIGHT
    model_languages: tuple[str, ...] = ()
    token_form: TokenForm | None = None
    rerank_weight: float = 0.0
    cross_encoder_weight: float = 0.0
    embeds_itself: bool = False

    def knows(self, language: str) -> bool:
        """Return whether the model knows a language, by the rule of `rag.language.knows`."""
        return knows(self.model_languages, language)


@dataclass(frozen=True, kw_only=True)
class IndexedDocument:
    """One content of one document in an index.

    Attributes:
        sha256: Of the file that the chunks come from, and of the options that it was read with:
            `rag.readers.options.ReadOptions.identity`.
        chunks: How many chunks the index has.
        chunk_count: How many chunks the document has, as recorded in each chunk.
    """

    sha256: str
    chunks: int
    chunk_count: int

    @property
    def complete(self) -> bool:
        """Whether the index has every chunk."""
        return self.chunks == self.chunk_count


@dataclass(frozen=True, kw_only=True)
class FirstChunk:
    """The first chunk of a document, which has what is known of the whole document.

    Attributes:
        document_key: The document.
        chunk_count: How many chunks it has.
        title: Its title.
        language: Its main language, as `rag.language.detect` returns it.
        text: The chunk's text.
        missing: `Document.missing`.
        remarks: `Document.remarks`.
    """

    document_key: str
    chunk_count: int
    title: str
    language: str
    text: str
    missing: tuple[str, ...]
    remarks: tuple[str, ...]


async def index_meta(engine: SearchEngine, name: str) -> IndexMeta:
    """Return the `_meta` of the index or alias `name`.

    Raises:
        SearchIndexError: There is no such index, the alias has more than one, or the mapping is
            not from `rag.index`.
    """
    try:
        found = await engine.mappings(name)
    except SearchEngineError as error:
        if error.status == 404:
            raise SearchIndexError(
                f"There is no index or alias {name!r}. The deployment creates it: run pulumi up."
            ) from error
        raise _unread(name, error) from error
    if len(found) != 1:
        raise SearchIndexError(
            f"The alias {name!r} points to {len(found)} indices. It must point to one."
        )
    ((index, mapping),) = found.items()
    meta: Mapping[str, Any] = mapping.get("_meta") or {}
    try:
        return IndexMeta(
            index=index,
            model_version=str(meta["model_version"]),
            dimension=int(meta["dimension"]),
            embedding_urls=tuple(map(str, meta["embedding_urls"])),
            chunker=str(meta["chunker"]),
            analyser=str(meta.get("analyser", "")),
            search_weight=float(meta.get("search_weight", DEFAULT_WEIGHT)),
            model_languages=tuple(meta.get("model_languages", ())),
            token_form=TokenForm.of(meta.get("token_vectors")),
            rerank_weight=float(meta.get("rerank_weight", 0.0)),
            cross_encoder_weight=float(meta.get("cross_encoder_weight", 0.0)),
            embeds_itself=embeds_itself(mapping),
        )
    except KeyError as error:
        raise SearchIndexError(
            f"Index {index!r} has no {error} in the _meta of its mapping, so this project did not "
            f"create it. Give an index that the deployment created."
        ) from error


async def index_languages(engine: SearchEngine, index: str) -> frozenset[str]:
    """Return the languages of the documents in `index`.

    Raises:
        SearchIndexError: The index was removed, or the cluster refuses.
    """
    aggregation = {"terms": {"field": "language", "size": _MOST_LANGUAGES}}
    try:
        answer = await engine.search(index, {"size": 0, "aggs": {"languages": aggregation}})
    except SearchEngineError as error:
        raise _unread(index, error) from error
    found = answer.get("aggregations", {}).get("languages", {}).get("buckets", [])
    return frozenset(bucket["key"] for bucket in found)


def _unread(name: str, error: SearchEngineError) -> SearchIndexError:
    if error.status is None:
        return SearchIndexError(f"The search cluster does not answer: {error}")
    return SearchIndexError(f"index {name!r}: {error}")


async def indexed_documents(engine: SearchEngine, index: str) -> dict[str, list[IndexedDocument]]:
    """Return every document in the index by key; an interrupted run leaves several contents."""
    found: dict[str, list[IndexedDocument]] = {}
    sources = [
        {name: {"terms": {"field": name}}}
        for name in ("document_key", "document_sha256", "chunk_count")
    ]
    after: dict[str, Any] = {}
    while True:
        composite = {"size": _PAGE, "sources": sources, **({"after": after} if after else {})}
        answer = await engine.search(
            index,
            {"size": 0, "aggs": {"documents": {"composite": composite}}},
            {"request_cache": "false"},
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
    engine: SearchEngine, index: str, document_key: str, sha256: str
) -> AsyncIterator[str]:
    """Yield the `_id` of each chunk of one content of one document."""
    filters = [{"term": {"document_key": document_key}}, {"term": {"document_sha256": sha256}}]
    after: dict[str, Any] = {}
    while True:
        answer = await engine.search(
            index,
            {
                "query": {"bool": {"filter": filters}},
                "sort": [{"chunk_number": "asc"}],
                "_source": False,
                "size": _PAGE,
                **after,
            },
        )
        hits = answer["hits"]["hits"]
        for hit in hits:
            yield hit["_id"]
        if len(hits) < _PAGE:
            return
        after = {"search_after": hits[-1]["sort"]}


async def first_chunks(engine: SearchEngine, index: str) -> AsyncIterator[FirstChunk]:
    """Yield the first chunk of each document, sorted by the document's key."""
    fields = ("document_key", "chunk_count", "title", "language", "text", "document_missing")
    after: dict[str, Any] = {}
    while True:
        answer = await engine.search(
            index,
            {
                "query": {"term": {"chunk_number": 0}},
                "sort": [{"document_key": "asc"}],
                "_source": [*fields, "document_remarks"],
                "size": _PAGE,
                **after,
            },
        )
        hits = answer["hits"]["hits"]
        for hit in hits:
            source = hit["_source"]
            yield FirstChunk(
                document_key=source["document_key"],
                chunk_count=source["chunk_count"],
                title=source["title"],
                language=source["language"],
                text=source["text"],
                missing=tuple(source.get("document_missing") or ()),
                remarks=tuple(source.get("document_remarks") or ()),
            )
        if len(hits) < _PAGE:
            return
        after = {"search_after": hits[-1]["sort"]}
