"""Config keys of the search clusters, and of the index in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from provider_facts.quartz import check_schedule
from rag.vector_index import MAX_EF_CONSTRUCTION, MAX_M, VectorIndex, VectorIndexKind
from stack_config.group import Group, Number, Problem, Whole, bounded, keys_after, matching
from stack_config.kinds import EngineKind, EngineModelKind, Protocol
from training.bounds import Bounds

__all__ = ["Engines", "Index", "OpenSearch", "Search"]


def _schedule(text: str) -> str:
    if text:
        check_schedule(text)
    return text


class Search(Group, alias_generator=keys_after("elasticsearch")):
    """The Elasticsearch instance, of a stack that has one."""

    version: str
    data_node_spec: str
    data_node_amount: Annotated[Whole, bounded(Bounds(2, 50))]
    data_node_disk_gib: Annotated[Whole, bounded(Bounds(20))]
    protocol: Protocol
    zone_count: Annotated[Whole, bounded(Bounds(1, 3))]
    master_node_spec: str
    snapshot_schedule: Annotated[str, AfterValidator(_schedule)]

    def problems(self) -> Iterator[Problem]:
        """Yield nodes that do not spread evenly over the zones, or zones without master nodes."""
        if self.data_node_amount % self.zone_count:
            yield self.wrong(
                "data_node_amount",
                f"it must be a multiple of elasticsearchZoneCount, which is {self.zone_count}",
            )
        if self.zone_count > 1 and not self.master_node_spec:
            # https://www.alibabacloud.com/help/en/es/user-guide/migrate-the-zone-of-the-node, read
            # 2026-11-21.
            yield self.wrong(
                "master_node_spec",
                "several zones need dedicated master nodes; give their size, such as "
                "elasticsearch.sn2ne.large",
            )


def _engines(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    names = [name.strip() for name in raw.split(",")]
    known = [kind.value for kind in EngineKind]
    if len(set(names)) != len(names) or not set(names) <= set(known):
        raise ValueError(
            f"give {', '.join(known)}, or both with a comma between them; the first one serves "
            "the application"
        )
    return tuple(names)


class Engines(Group, alias_generator=keys_after("search")):
    """The search engines that a stack uses."""

    engines: Annotated[tuple[EngineKind, ...], BeforeValidator(_engines)]

    @property
    def serving(self) -> EngineKind:
        """The engine that the application searches."""
        return self.engines[0]

    @property
    def elasticsearch(self) -> bool:
        """Whether the stack has an Elasticsearch instance."""
        return EngineKind.ELASTICSEARCH in self.engines

    @property
    def opensearch(self) -> bool:
        """Whether the stack has an OpenSearch cluster."""
        return EngineKind.OPENSEARCH in self.engines


class OpenSearch(Group, alias_generator=keys_after("opensearch")):
    """The OpenSearch cluster on ECS, of a stack that has one."""

    nodes: Annotated[
        Whole,
        bounded(Bounds(1, 9), "without opensearch in searchEngines, the stack has no cluster"),
    ]
    model: EngineModelKind
    ml_nodes: Annotated[Whole, bounded(Bounds(0, 9))]
    instance_type: str
    heap_mib: Annotated[Whole, bounded(Bounds(512, 31 * 1024))]
    disk_gib: Annotated[Whole, bounded(Bounds(0, 32768))]
    package: Annotated[
        str,
        matching(
            r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/\S*-[0-9a-f]{64}\.tar\.gz",
            "oss://<bucket>/<path>-<SHA-256>.tar.gz, as `make engine-package` names it",
            or_empty=True,
        ),
    ]

    def problems(self) -> Iterator[Problem]:
        """Yield nodes without a majority, and disks that ECS does not have."""
        if self.nodes % 2 == 0:
            yield self.wrong(
                "nodes",
                "an even number has no majority when the network splits; give 1, 3, 5, 7 or 9",
            )
        if 0 < self.disk_gib < 20:
            yield self.wrong(
                "disk_gib", "a data disk has 20 GiB or more; 0 keeps the data on the system disk"
            )


class Index(Group, alias_generator=keys_after()):
    """The index that the application searches, and the former ones that are kept."""

    alias: Annotated[
        str, matching(r"[a-z0-9][a-z0-9_-]{0,99}", "lower-case letters, digits, - and _")
    ] = Field(alias="indexAlias")
    keep: Annotated[
        Whole, bounded(Bounds(0, 5), "each takes as much disk as the present index")
    ] = Field(alias="keepIndices")
    pinned: str = Field(alias="pinnedIndex")
    kind: VectorIndexKind = Field(alias="indexVectorKind")
    m: Annotated[Whole, bounded(Bounds(1, MAX_M))] = Field(alias="indexVectorM")
    ef_construction: Annotated[Whole, bounded(Bounds(1, MAX_EF_CONSTRUCTION))] = Field(
        alias="indexVectorEfConstruction"
    )
    oversample: Number = Field(alias="indexVectorOversample")

    @property
    def vectors(self) -> VectorIndex:
        """How the engine indexes the embeddings."""
        return VectorIndex(
            kind=self.kind,
            m=self.m,
            ef_construction=self.ef_construction,
            oversample=self.oversample,
        )

    def problems(self) -> Iterator[Problem]:
        """Yield a pinned index that the alias cannot have, or that would be deleted."""
        if self.pinned and not self.pinned.startswith(f"{self.alias}-"):
            yield self.wrong(
                "pinned",
                f"indices of alias {self.alias} begin with {self.alias}-; the output "
                "index_generations lists those that exist",
            )
        if self.pinned and not self.keep:
            yield self.wrong(
                "keep",
                "with pinnedIndex set, the newest index counts as a former one and would be "
                "deleted; give 1 or more",
            )
