"""How the engine indexes the embeddings: the kind of index, its graph, and rescoring. Pure.

Owns: which options a kind has, their bounds, and the field of the mapping in each engine. Does not
own whether a cluster accepts a kind (`providers.SearchCapabilities`), nor which is best
(`benchmarks.quantisation` measures it).

https://www.elastic.co/guide/en/elasticsearch/reference/8.19/dense-vector.html (read 2026-11). The
bounds are those that Elasticsearch 8.19.21 names when a value is outside them.
https://docs.opensearch.org/2.19/field-types/supported-field-types/knn-methods-engines/ (read
2026-11): the Lucene engine of OpenSearch has a graph over vectors, or over 7 bits to a component.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rag.engines.kinds import EngineKind

__all__ = [
    "DEFAULT_VECTOR_INDEX",
    "MAX_EF_CONSTRUCTION",
    "MAX_M",
    "MAX_OVERSAMPLE",
    "VectorIndex",
    "VectorIndexKind",
]

MAX_M = 512
MAX_EF_CONSTRUCTION = 3200
MAX_OVERSAMPLE = 10.0
MIN_BBQ_DIMENSION = 64


class VectorIndexKind(StrEnum):
    """How vectors are stored and searched.

    The `hnsw` kinds search a graph, the `flat` kinds every vector. `int8`, `int4` and `bbq` search
    vectors of 8, 4 and 1 bits to a component.
    """

    HNSW = "hnsw"
    INT8_HNSW = "int8_hnsw"
    INT4_HNSW = "int4_hnsw"
    BBQ_HNSW = "bbq_hnsw"
    FLAT = "flat"
    INT8_FLAT = "int8_flat"
    INT4_FLAT = "int4_flat"
    BBQ_FLAT = "bbq_flat"

    @property
    def has_graph(self) -> bool:
        """Whether `m` and `ef_construction` count."""
        return self.value.endswith("hnsw")

    @property
    def is_quantised(self) -> bool:
        """Whether it searches smaller copies of the vectors."""
        return self not in (VectorIndexKind.HNSW, VectorIndexKind.FLAT)


_OPENSEARCH_ENCODERS: Mapping[VectorIndexKind, Mapping[str, Any]] = {
    VectorIndexKind.HNSW: {},
    VectorIndexKind.INT8_HNSW: {"encoder": {"name": "sq", "parameters": {"bits": 7}}},
}


@dataclass(frozen=True, kw_only=True)
class VectorIndex:
    """The options of the index of the embeddings.

    Attributes:
        kind: The kind.
        m: Neighbors of a node of the graph, 1 to 512. Kinds without a graph ignore it.
        ef_construction: Candidates for them, 1 to 3,200. Kinds without a graph ignore it.
        oversample: How many times as many passages are found by the smaller copies, and then
            ordered by the vectors themselves: 1 to 10, or 0 for no rescoring. Default: the
            engine's own, which is 3 for `bbq` kinds and no rescoring for the others.
    """

    kind: VectorIndexKind = VectorIndexKind.HNSW
    m: int = 16
    ef_construction: int = 100
    oversample: float | None = None

    def problem(
        self, dimension: int, engine: EngineKind = EngineKind.ELASTICSEARCH
    ) -> tuple[str, str] | None:
        """Return the option that does not fit, and what is allowed; None if all do."""
        if engine is EngineKind.OPENSEARCH:
            return self._problem_in_opensearch()
        if self.kind.value.startswith("bbq") and dimension < MIN_BBQ_DIMENSION:
            return "kind", f"it needs {MIN_BBQ_DIMENSION} dimensions or more, not {dimension}"
        if self.kind.value.startswith("int4") and dimension % 2:
            return "kind", f"it needs an even number of dimensions, not {dimension}"
        if self.oversample is None:
            return None
        if not self.kind.is_quantised:
            return "oversample", f"{self.kind} searches the vectors themselves; leave it empty"
        if self.oversample != 0 and not 1 <= self.oversample <= MAX_OVERSAMPLE:
            return "oversample", f"it must be 0, or from 1 to {MAX_OVERSAMPLE:g}"
        return None

    def _problem_in_opensearch(self) -> tuple[str, str] | None:
        if self.kind not in _OPENSEARCH_ENCODERS:
            return "kind", f"OpenSearch takes {' or '.join(_OPENSEARCH_ENCODERS)}"
        if self.oversample is not None:
            return "oversample", "OpenSearch's Lucene engine does not rescore; leave it empty"
        return None

    def field(self, dimension: int, engine: EngineKind) -> dict[str, Any]:
        """Return the mapping of the field of the embeddings."""
        if engine is EngineKind.OPENSEARCH:
            parameters = {"m": self.m, "ef_construction": self.ef_construction}
            return {
                "type": "knn_vector",
                "dimension": dimension,
                "method": {
                    "name": "hnsw",
                    "engine": "lucene",
                    "space_type": "cosinesimil",
                    "parameters": {**parameters, **_OPENSEARCH_ENCODERS[self.kind]},
                },
            }
        return {
            "type": "dense_vector",
            "dims": dimension,
            "index": True,
            "similarity": "cosine",
            "index_options": self.options(),
        }

    def options(self) -> dict[str, Any]:
        """Return the `index_options` of the mapping in Elasticsearch."""
        options: dict[str, Any] = {"type": self.kind.value}
        if self.kind.has_graph:
            options |= {"m": self.m, "ef_construction": self.ef_construction}
        if self.oversample is not None:
            options["rescore_vector"] = {"oversample": self.oversample}
        return options


DEFAULT_VECTOR_INDEX = VectorIndex()
