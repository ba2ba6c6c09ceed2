"""The search index: one index for each model, filled from the corpus, behind an alias.

Owns: the index, the ingest run and the alias, and their blue-green order: a new model gets its own
index, the alias moves when that index is complete, and the former index stays for a rollback.
Does not own: chunking and mappings (`rag`), the cluster, the embedding node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import pulumi

import providers
from components.pai import Pods
from components.scope import Scope
from components.search_endpoint import SearchAccess, SomeEndpoint
from providers import opensearch
from training.job_specs import JobPlan

__all__ = ["Knowledge", "KnowledgeArgs", "PinnedIndex"]

_MOST_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True)
class PinnedIndex:
    """A former index to which the alias returns.

    Attributes:
        index_name: One of the generations of the alias (`providers.get_index_generation`).
        meta: Values for the index's `_meta`, which lead readers to a service with its model.
    """

    index_name: pulumi.Input[str]
    meta: pulumi.Input[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class KnowledgeArgs:
    """Arguments of `Knowledge`.

    Attributes:
        scope: Names, region and tags of the stack.
        search: The search cluster.
        access: The same for the ingest job.
        index_alias: Alias that readers use.
        index_name: Name of the index, which changes with model and mappings.
        mappings: Mappings of the index, `_meta` included.
        settings: Settings of the index.
        documents: Document key to SHA-256 of the documents that the index must hold.
        ingest_plan: Returns the DLC job's plan for an index name, embedding URLs and the
            environment that leads to the cluster, once these are known. With a pinned index, the
            job only waits for the embedding node and does not change the index.
        embedding_urls: URLs of the embedding nodes with the model of the index.
        pods: Pods of the ingest job.
        result_uri: OSS directory for the result of the run, `oss://bucket/prefix/`.
        keep_indices: Number of former indices that stay in the cluster.
        pinned: Return to this index without changing it. The current index stays.
        unchanged: Whether index, run and alias stay as they are, once they exist.
        max_running_time_minutes: PAI stops the job after this time.
    """

    scope: Scope
    search: SomeEndpoint
    access: SearchAccess
    index_alias: str
    index_name: pulumi.Input[str]
    mappings: pulumi.Input[Mapping[str, Any]]
    settings: pulumi.Input[Mapping[str, Any]]
    documents: Mapping[str, str]
    ingest_plan: Callable[[str, Sequence[str], Mapping[str, str]], JobPlan]
    embedding_urls: pulumi.Input[Sequence[pulumi.Input[str]]]
    pods: Pods
    result_uri: str
    keep_indices: int = 1
    pinned: PinnedIndex | None = None
    unchanged: bool = False
    max_running_time_minutes: int = 240


class Knowledge(pulumi.ComponentResource):
    """An index that is complete before readers use it.

    Attributes:
        index_name: Index to which the alias points, known after the alias has moved.
        index_alias: Alias that readers use.
        generations: The existing indices, the most recently used first: index_name, model_version,
            served_since.
        ingest: Counts of the last run: documents, chunks, embedded_documents, unchanged_documents,
            removed_documents, read_whole, read_in_part, unread, set_aside, in_part,
            unknown_languages.
    """

    index_name: pulumi.Output[str]
    index_alias: pulumi.Output[str]
    generations: pulumi.Output[Sequence[Mapping[str, str]]]
    ingest: pulumi.Output[Mapping[str, Any]]

    def __init__(
        self, name: str, args: KnowledgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:knowledge:Knowledge", name, None, opts)
        self._child = pulumi.ResourceOptions(
            parent=self, ignore_changes=["*"] if args.unchanged else None
        )
        # The alias moves after a successful run, which proves that an embedding node is ready.
        if args.pinned is None:
            index = self._create_index(name, args)
            # A lost and recreated index is empty, so its UUID is an input of the run.
            run = self._run(name, args, index.index_name, args.documents, index_uuid=index.uuid)
            alias = self._move_alias(name, args, index.index_name, run)
        else:
            run = self._run(name, args, args.pinned.index_name, {})
            alias = self._move_alias(name, args, args.pinned.index_name, run, meta=args.pinned.meta)
        self.ingest = pulumi.Output.all(
            documents=run.document_count,
            chunks=run.chunks,
            embedded_documents=run.embedded_documents,
            unchanged_documents=run.unchanged_documents,
            removed_documents=run.removed_documents,
            read_whole=run.read_whole,
            read_in_part=run.read_in_part,
            unread=run.unread,
            set_aside=run.set_aside,
            in_part=run.in_part,
            unknown_languages=run.unknown_languages,
        )
        self.index_name = alias.index_name
        self.index_alias = alias.alias
        self.generations = alias.generations.apply(lambda found: found or [])
        self.register_outputs({"index_name": self.index_name, "index_alias": self.index_alias})

    def _create_index(
        self, name: str, args: KnowledgeArgs
    ) -> providers.SearchIndex | opensearch.Index:
        return args.search.declare_index(
            name,
            self._child,
            index_name=args.index_name,
            mappings=args.mappings,
            settings=args.settings,
            alias=args.index_alias,
        )

    def _run(
        self,
        name: str,
        args: KnowledgeArgs,
        index_name: pulumi.Input[str],
        documents: Mapping[str, str],
        *,
        index_uuid: pulumi.Input[str] | None = None,
    ) -> providers.IngestRun:
        plan = pulumi.Output.all(
            index_name, args.embedding_urls, pulumi.Output.all(**args.access.environment)
        ).apply(lambda values: asdict(args.ingest_plan(*values)))
        return providers.IngestRun(
            f"{name}-ingest",
            providers.IngestRunArgs(
                **{item.name: plan[item.name] for item in fields(JobPlan)},
                **args.pods.dlc_arguments,
                display_name=args.scope.naming.physical("ingest"),
                documents=dict(documents),
                index_name=index_name,
                index_uuid=index_uuid,
                triggers={},
                result_uri=args.result_uri,
                max_running_time_minutes=args.max_running_time_minutes,
                # It is cheap, and begins where it stopped: several updates may fail before the
                # disk of a cluster is larger.
                max_attempts=_MOST_ATTEMPTS,
            ),
            opts=self._child,
        )

    def _move_alias(
        self,
        name: str,
        args: KnowledgeArgs,
        index_name: pulumi.Input[str],
        run: providers.IngestRun,
        *,
        meta: pulumi.Input[Mapping[str, Any]] | None = None,
    ) -> providers.IndexAlias | opensearch.Alias:
        return args.search.declare_alias(
            f"{name}-alias",
            self._child,
            alias=args.index_alias,
            index_name=index_name,
            expected_chunks=run.chunks,
            keep_indices=args.keep_indices,
            meta=meta,
        )
