"""``customrag:rag:IngestRun``: an index brought up to date with the corpus by a DLC job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .dlc_job import JobArgs, job_props
from .wire import Out, with_plugin


@dataclass(frozen=True, kw_only=True)
class IngestRunArgs(JobArgs):
    """Arguments of ``IngestRun``: those of every job, and what is ingested where.

    Attributes:
        documents: Key to SHA-256, as ``Corpus.documents``; a change is a new run.
        index_name: The index filled; another one replaces the resource.
        index_uuid: ``SearchIndex.uuid``; an index that was made anew under the same name replaces
            the resource, too, because it is empty.
    """

    documents: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    index_name: pulumi.Input[str]
    index_uuid: pulumi.Input[str] | None = None


class IngestRun(pulumi.CustomResource):
    """The last ingest of the corpus into an index.

    Why it exists: filling an index after the deploy is work that must run again when a document
    changed, must not run when none did, and must be tried again when it failed; ``pulumi_alicloud``
    has no resource that runs a job. An update is a new DLC job over the same index. Delete it to
    delete the records of its jobs; the chunks in the index stay, they go with the index.

    Attributes:
        job_id: The last job.
        job_name: Its name.
        document_count: Documents in the index.
        chunks: Chunks in the index.
        embedded_documents: Documents that the last run embedded.
        unchanged_documents: Documents that it left as they were.
        removed_documents: Documents that it removed.
        set_aside: ``[{"document", "reason"}]``: files that could not be read.
        result: All that the run wrote.
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
