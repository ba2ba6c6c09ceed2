"""What the application knows: an index for one model, filled from the corpus, behind an alias.

Owns: index, ingest run and alias, and the order that makes a change blue-green: a new model gets an
index of its own, the alias moves when that index is complete, the former one stays as long as it is
wanted for going back. Does not own: chunking and mapping (`rag`), the cluster, the embedding node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

import providers
from components.pai import Pods
from components.scope import Scope
from training.job_specs import JobPlan

__all__ = ["Knowledge", "KnowledgeArgs", "PinnedIndex", "SearchEndpoint"]


@dataclass(frozen=True, kw_only=True)
class SearchEndpoint:
    """Where a search cluster answers and how to sign in.

    Attributes:
        instance_id: The Elasticsearch instance.
        url: E.g. `https://es-cn-xxx.elasticsearch.aliyuncs.com:9200`.
        username: Who signs in.
        password: Kept secret.
    """

    instance_id: pulumi.Input[str]
    url: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class PinnedIndex:
    """A former index that readers are to be led to again.

    Attributes:
        index_name: One of the alias's generations (`providers.get_index_generation`).
        meta: What leads readers from it to a service with the model that made it, for its `_meta`.
    """

    index_name: pulumi.Input[str]
    meta: pulumi.Input[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class KnowledgeArgs:
    """Arguments of `Knowledge`.

    Attributes:
        scope: Names, region and tags of the stack.
        search: The cluster.
        index_alias: What readers ask.
        index_name: The index's own name, which changes with model and mapping.
        mappings: Elasticsearch mappings, `_meta` included.
        settings: Elasticsearch index settings.
        documents: Document key to SHA-256: what the index shall hold.
        ingest_plan: Makes the DLC job's plan once the addresses it needs are known: called with
            index name, cluster URL and embedding URLs. With a pinned index, of a job that waits for
            the embedder and leaves the index as it is.
        embedding_urls: Where the model that the index is made for answers.
        pods: Where the ingest job runs.
        result_uri: OSS directory for the run's result, `oss://bucket/prefix/`.
        keep_indices: So many former indices stay in the cluster.
        pinned: Go back to this one, as it is. The present one stays for the way forward.
        max_running_time_minutes: The job is stopped after this long.
    """

    scope: Scope
    search: SearchEndpoint
    index_alias: str
    index_name: pulumi.Input[str]
    mappings: pulumi.Input[Mapping[str, Any]]
    settings: Mapping[str, Any]
    documents: Mapping[str, str]
    ingest_plan: Callable[[str, str, Sequence[str]], JobPlan]
    embedding_urls: pulumi.Input[Sequence[pulumi.Input[str]]]
    pods: Pods
    result_uri: str
    keep_indices: int = 1
    pinned: PinnedIndex | None = None
    max_running_time_minutes: int = 240


class Knowledge(pulumi.ComponentResource):
    """An index that is complete before anybody reads it.

    Attributes:
        index_name: The index that the alias names once this is done.
        index_alias: What readers ask.
        generations: The indices that are there, the one last read first: index_name, model_version,
            served_since.
        ingest: Counts of the last run: documents, chunks, embedded_documents, unchanged_documents,
            removed_documents, set_aside.
    """

    index_name: pulumi.Output[str]
    index_alias: pulumi.Output[str]
    generations: pulumi.Output[Sequence[Mapping[str, str]]]
    ingest: pulumi.Output[Mapping[str, Any]]

    def __init__(
        self, name: str, args: KnowledgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:knowledge:Knowledge", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        # An alias moves when a run has ended well, so that an embedder of the index is there.
        if args.pinned is None:
            index = self._make_index(name, args)
            # An index that was lost and made again is empty: its identity is an input.
            run = self._run(name, args, index.index_name, args.documents, index_uuid=index.uuid)
            alias = self._point(name, args, index.index_name, run)
        else:
            run = self._run(name, args, args.pinned.index_name, {})
            alias = self._point(name, args, args.pinned.index_name, run, meta=args.pinned.meta)
        self.ingest = pulumi.Output.all(
            documents=run.document_count,
            chunks=run.chunks,
            embedded_documents=run.embedded_documents,
            unchanged_documents=run.unchanged_documents,
            removed_documents=run.removed_documents,
            set_aside=run.set_aside,
        )
        self.index_name = alias.index_name
        self.index_alias = alias.alias
        self.generations = alias.generations.apply(lambda found: found or [])
        self.register_outputs({"index_name": self.index_name, "index_alias": self.index_alias})

    def _make_index(self, name: str, args: KnowledgeArgs) -> providers.SearchIndex:
        return providers.SearchIndex(
            name,
            providers.SearchIndexArgs(
                endpoint=args.search.url,
                username=args.search.username,
                password=args.search.password,
                index_name=args.index_name,
                mappings=args.mappings,
                settings=dict(args.settings),
                alias=args.index_alias,
                instance_id=args.search.instance_id,
            ),
            opts=self._child,
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
        plan = pulumi.Output.all(index_name, args.search.url, args.embedding_urls).apply(
            lambda values: args.ingest_plan(*values)
        )
        return providers.IngestRun(
            f"{name}-ingest",
            providers.IngestRunArgs(
                job_type=plan.apply(lambda value: value.job_type),
                job_specs=plan.apply(lambda value: list(value.job_specs)),
                data_sources=plan.apply(lambda value: list(value.data_sources)),
                user_command=plan.apply(lambda value: value.user_command),
                envs=plan.apply(lambda value: dict(value.envs)),
                thirdparty_libs=plan.apply(lambda value: list(value.thirdparty_libs)),
                **args.pods.dlc_arguments,
                display_name=args.scope.naming.physical("ingest"),
                documents=dict(documents),
                index_name=index_name,
                index_uuid=index_uuid,
                triggers={},
                result_uri=args.result_uri,
                max_running_time_minutes=args.max_running_time_minutes,
            ),
            opts=self._child,
        )

    def _point(
        self,
        name: str,
        args: KnowledgeArgs,
        index_name: pulumi.Input[str],
        run: providers.IngestRun,
        *,
        meta: pulumi.Input[Mapping[str, Any]] | None = None,
    ) -> providers.IndexAlias:
        return providers.IndexAlias(
            f"{name}-alias",
            providers.IndexAliasArgs(
                endpoint=args.search.url,
                username=args.search.username,
                password=args.search.password,
                alias=args.index_alias,
                index_name=index_name,
                expected_chunks=run.chunks,
                keep_indices=args.keep_indices,
                meta=meta,
                instance_id=args.search.instance_id,
            ),
            opts=self._child,
        )
