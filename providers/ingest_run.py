"""``customrag:rag:IngestRun``: a DLC job that brings an index up to date with the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .dlc_job import JobArgs, job_props
from .wire import Out, with_plugin

__all__ = ["IngestRun", "IngestRunArgs"]


@dataclass(frozen=True, kw_only=True)
class IngestRunArgs(JobArgs):
    """Arguments of ``IngestRun``: those of every job, the documents and the index.

    Attributes:
        documents: Key to SHA-256, like ``Corpus.documents``; a change starts a new run.
        index_name: The index to fill; a change replaces the resource.
        index_uuid: ``SearchIndex.uuid``. It changes when the index is recreated under the same
            name. That replaces the resource, too, because the new index is empty.
    """

    documents: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    index_name: pulumi.Input[str]
    index_uuid: pulumi.Input[str] | None = None


class IngestRun(pulumi.CustomResource):
    """The last ingest of the corpus into an index.

    Why it exists: an ingest must run again when a document changed, must not run when no document
    did, and must be retried when it failed. ``pulumi_alicloud`` has no resource that runs a job. An
    update is a new DLC job over the same index. Delete it to delete the records of its jobs; the
    chunks stay in the index until it is deleted.

    Attributes:
        job_id: The last job.
        job_name: The name of the last job.
        document_count: Documents in the index.
        chunks: Chunks in the index.
        embedded_documents: Documents that the last run embedded.
        unchanged_documents: Documents that the last run found in the index, unchanged.
        removed_documents: Documents that the last run removed.
        set_aside: ``[{"document", "reason"}]``: files that the last run could not read.
        result: The content of ``result.json``.
    """

    workspace_id = Out[str]("workspaceId")
    index_name = Out[str]("indexName")
    documents = Out[Mapping[str, str]]("documents")
    job_id = Out[str]("jobId")
    job_name = Out[str]("jobName")
    status = Out[str]("status")
    duration_seconds = Out[int]("durationSeconds")
    document_count = Out[int]("documentCount")
    chunks = Out[int]("chunks")
    embedded_documents = Out[int]("embeddedDocuments")
    unchanged_documents = Out[int]("unchangedDocuments")
    removed_documents = Out[int]("removedDocuments")
    set_aside = Out[Sequence[Mapping[str, str]]]("setAside")
    result = Out[Mapping[str, object]]("result")

    def __init__(
        self, name: str, args: IngestRunArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            **job_props(args),
            "documents": args.documents,
            "indexName": args.index_name,
            "indexUuid": args.index_uuid,
            "documentCount": None,
            "chunks": None,
            "embeddedDocuments": None,
            "unchangedDocuments": None,
            "removedDocuments": None,
            "setAside": None,
        }
        super().__init__("customrag:rag:IngestRun", name, props, with_plugin(opts))
