"""The search index: its mapping, its settings, and the identity of a chunk in it.

Owns the shape of an index document. Pure: no client, no network; `infra` builds the mapping at
preview. Does not create the index (`providers`) nor fill it (`rag.ingest`).

https://www.elastic.co/guide/en/elasticsearch/reference/8.19/dense-vector.html (read 2026-11)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from rag.engines.kinds import EngineKind
from rag.vector_index import DEFAULT_VECTOR_INDEX, VectorIndex

__all__ = [
    "ANALYSER",
    "BM25_B",
    "BM25_K1",
    "CHUNKER",
    "LATE_INTERACTION",
    "MAX_DIMENSION",
    "SETTINGS",
    "SOURCE_FIELDS",
    "TOKENS_FIELD",
    "VECTORS_FIELD",
    "WINDOWS_FIELD",
    "WINDOW_EMBEDDING",
    "WINDOW_TEXT",
    "chunk_id",
    "mappings",
    "settings",
]

MAX_DIMENSION = 4096
"""Most components of a `dense_vector` (Elasticsearch 8.19, DenseVectorFieldMapper)."""

CHUNKER = "structure-1000-150-tokens-windows-320-v4"
"""The chunker that `rag.ingest` runs. It is in every index's `_meta`, because other chunks need
another index. It changes with any change of `rag.chunk` or `rag.windows` that moves a boundary."""

ANALYSER = "terms-v1"
"""The analysis that `rag.analysis` does. It is in every index's `_meta` like the chunker, and
changes with any change of `rag.analysis` or `rag.language` that gives a document other terms."""

BM25_K1, BM25_B = 0.5, 0.75
"""How soon a repeated word counts no more, and how much a long text loses, in the word search.

Chosen on the train questions of covid-qa (docs/explanation/data-plane.md). Chunks are about equally
long, and a word that one repeats is rarely more of an answer. Elasticsearch's default k1 is 1.2."""

SETTINGS: Mapping[str, Any] = {
    "index": {
        "number_of_shards": "1",
        # One replica as soon as there is a second node.
        "auto_expand_replicas": "0-1",
        "similarity": {"default": {"type": "BM25", "k1": str(BM25_K1), "b": str(BM25_B)}},
    }
}

NEAR_BOOST, NEAR_SLOP = 0.3, 4
"""Weight of two neighboring words of the question that are near each other in the text, and how
many places apart they may be. Source of the idea: Metzler and Croft, SIGIR 2005. Chosen on the
train questions of covid-qa (docs/explanation/data-plane.md)."""
TITLE_BOOST = 0.2
"""Weight of a term in the title, and of one in the heading, beside a term in the text."""

SOURCE_FIELDS = (
    "document_key",
    "document_sha256",
    "chunk_number",
    "chunk_count",
    "start_offset",
    "end_offset",
    "title",
    "heading",
    "text",
    "table_header",
    "first_page",
    "last_page",
    "uri",
    "language",
)
"""Fields of an index document that a search returns. The others are searchable, not returned."""

TOKENS_FIELD = "token_vectors"
"""Field with a chunk's token vectors (`rag.token_vectors.pack`). It has doc values and is not in
`_source`, so only a request that names it reads it."""

WINDOWS_FIELD = "windows"
"""Nested field with an object for each window of the chunk (`rag.windows`)."""
WINDOW_EMBEDDING, WINDOW_TEXT = "embedding", "text"
"""Fields of a window: its embedding, and its text where the engine embeds it."""
VECTORS_FIELD = f"{WINDOWS_FIELD}.{WINDOW_EMBEDDING}"

_NOT_IN_SOURCE = (WINDOWS_FIELD, TOKENS_FIELD, "terms", "title_terms", "heading_terms")

LATE_INTERACTION = ("token_vectors", "rerank_weight")
"""The keys of `_meta` that an index has only if its chunks have token vectors."""

_META_KEYS = frozenset(
    {
        "analyser",
        "chunker",
        "cross_encoder_weight",
        "dimension",
        "embedding_urls",
        "model_languages",
        "model_uri",
        "model_version",
        "rerank_weight",
        "search_weight",
        "token_vectors",
    }
)


def mappings(
    dimension: int,
    meta: Mapping[str, Any],
    vector_index: VectorIndex = DEFAULT_VECTOR_INDEX,
    engine: EngineKind = EngineKind.ELASTICSEARCH,
) -> dict[str, Any]:
    """Return the mapping of an index of chunks.

    The word search reads the terms that `rag.analysis` made, on a whitespace analyser, so that it
    is the same on every engine. `text`, `title` and `heading` are for the reader.

    `_source` leaves out the embeddings, the token vectors and the terms: they are most of a
    document, no reader needs them, and they can be computed again.

    Args:
        dimension: Components of an embedding, 1 to 4096.
        meta: Becomes `_meta`: ``model_version``, ``embedding_urls`` (where that model embeds
            questions), ``model_uri`` (the model's files, for a rollback to this index),
            ``search_weight`` (the share of the vector search that training chose),
            ``token_vectors`` (`rag.token_form.TokenForm.described`; default: no token
            vectors), ``rerank_weight`` (the share of the late interaction among the best passages,
            which training chose), ``cross_encoder_weight`` (the share of the cross-encoder among
            the best of them; default: 0),
            ``model_languages`` (the languages that the model knows; default: many).
            ``dimension``, ``chunker`` and ``analyser`` are added if they are missing.
        vector_index: How the engine indexes the embeddings.
        engine: The kind of engine. Only the field of the embeddings differs.

    Raises:
        ValueError: A dimension out of range, a `meta` with unknown or contradicting keys, or a
            `vector_index` that does not fit the dimension or the engine.
    """
    if not 1 <= dimension <= MAX_DIMENSION:
        raise ValueError(f"dimension is {dimension}. It must be between 1 and {MAX_DIMENSION}.")
    unknown = sorted(set(meta) - _META_KEYS)
    if unknown:
        raise ValueError(f"meta has the unknown keys {unknown}. Allowed are {sorted(_META_KEYS)}.")
    if meta.get("dimension", dimension) != dimension:
        raise ValueError(
            f"meta['dimension'] is {meta['dimension']}, but dimension is {dimension}. "
            f"They must be equal."
        )
    if problem := vector_index.problem(dimension, engine):
        option, allowed = problem
        raise ValueError(f"{option} is {getattr(vector_index, option)}; {allowed}")
    keyword = {"type": "keyword"}
    integer = {"type": "integer"}
    shown = {"type": "text", "index": False}
    # With the positions of the terms, because the word search looks for neighbors.
    placed = {"type": "text", "analyzer": "whitespace"}
    searched = {**placed, "index_options": "freqs"}
    return {
        "dynamic": "strict",
        "_meta": {"chunker": CHUNKER, "analyser": ANALYSER, **meta, "dimension": dimension},
        "_source": {"excludes": list(_NOT_IN_SOURCE)},
        "properties": {
            "document_key": keyword,
            "document_sha256": keyword,
            "chunk_number": integer,
            "chunk_count": integer,
            "start_offset": integer,
            "end_offset": integer,
            "title": shown,
            "heading": shown,
            "text": shown,
            # The word search sees it in the terms, which are made from `embedding_text`.
            "table_header": shown,
            "first_page": integer,
            "last_page": integer,
            "uri": keyword,
            "language": keyword,
            "terms": placed,
            "title_terms": searched,
            "heading_terms": searched,
            # Of the whole document, on its first chunk, so that a later run can report them.
            "document_missing": shown,
            "document_remarks": shown,
            WINDOWS_FIELD: {
                "type": "nested",
                "dynamic": "strict",
                "properties": {WINDOW_EMBEDDING: vector_index.field(dimension, engine)},
            },
            TOKENS_FIELD: {"type": "binary", "doc_values": True},
        },
    }


def settings(engine: EngineKind) -> dict[str, Any]:
    """Return the settings of an index of chunks; those of Elasticsearch are `SETTINGS`."""
    if engine is EngineKind.OPENSEARCH:
        # Without it, the k-NN plugin leaves the graph of vectors out.
        return {"index": {**SETTINGS["index"], "knn": "true"}}
    return dict(SETTINGS)


def chunk_id(document_key: str, document_sha256: str, chunk_number: int) -> str:
    """Return the `_id` of a chunk. The same content gets the same id, so a repeated write is safe.

    A changed document gets new ids, so that its new chunks are complete before the old ones are
    removed.
    """
    key = hashlib.sha256(document_key.encode()).hexdigest()[:20]
    return f"{key}-{document_sha256[:20]}-{chunk_number}"


def heading_below(title: str, heading: str) -> str:
    """Return a heading path without the document's own title at its beginning."""
    return "" if heading == title else heading.removeprefix(f"{title} > ")
