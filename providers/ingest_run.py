"""``customrag:rag:IngestRun``: a DLC job that brings an index up to date with the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from .declaration import Resource, argument, arguments
from .dlc_job import JobArgs
from .wire import Out

__all__ = ["IngestRun", "IngestRunArgs"]


@arguments
class IngestRunArgs(JobArgs):
    """Arguments of ``IngestRun``: those of every job, the documents and the index.

    Attributes:
        documents: Key to SHA-256, like ``Corpus.documents``; a change starts a new run.
        index_name: The index to fill; a change replaces the resource.
        index_uuid: ``SearchIndex.uuid``. It changes when the index is recreated under the same
            name. That replaces the resource, too, because the new index is empty.
    """

    result_uri: pulumi.Input[str] = argument("string", hashed=True)
    documents: pulumi.Input[Mapping[str, pulumi.Input[str]]] = argument("string map", hashed=True)
    index_name: pulumi.Input[str] = argument("string", effect="replace", hashed=True)
    index_uuid: pulumi.Input[str] | None = argument(
        "string", effect="replace", default=None, hashed=True
    )


class IngestRun(Resource[IngestRunArgs]):
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
        read_whole: Documents in the index with all of their text.
        read_in_part: Documents in the index without some part of their text.
        unread: Documents that are not in the index, because they could not be read.
        set_aside: ``[{"document", "reason"}]``: the first of the unread documents.
        in_part: ``[{"document", "missing"}]``: the first documents that were read in part.
        unknown_languages: Documents by language, for languages that the model does not know.
        result: The content of ``result.json``.
    """

    token = "customrag:rag:IngestRun"  # noqa: S105 - a type token
    job_id = Out[str]()
    job_name = Out[str]()
    status = Out[str]()
    duration_seconds = Out[int]()
    document_count = Out[int]()
    chunks = Out[int]()
    embedded_documents = Out[int]()
    unchanged_documents = Out[int]()
    removed_documents = Out[int]()
    read_whole = Out[int]()
    read_in_part = Out[int]()
    unread = Out[int]()
    set_aside = Out[Sequence[Mapping[str, str]]]()
    in_part = Out[Sequence[Mapping[str, str]]]()
    unknown_languages = Out[Mapping[str, int]]()
    result = Out[Mapping[str, object]]()
