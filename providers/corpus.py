"""``customrag:oss:Corpus``: a folder of documents in OSS, kept equal to a folder on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pulumi

from .declaration import Resource, argument, arguments
from .wire import Out

__all__ = ["MANIFEST_NAME", "Corpus", "CorpusArgs", "corpus_version"]

MANIFEST_NAME = "manifest.json"


@arguments
class CorpusArgs:
    """Arguments of ``Corpus``.

    Attributes:
        bucket: Bucket name.
        source_dir: The folder on the machine that runs the engine.
        documents: Key to SHA-256 (64 hexadecimal digits) of every file. Keys are relative to
            ``source_dir`` with forward slashes: ``docs/a.md``, ``questions.jsonl``.
        left_out: Other files of the folder, and why they are not uploaded. The manifest has them,
            so that a reader of the corpus can account for every file. Default: none.
        prefix: Where the objects go; ends in ``/``. Everything under it belongs to this resource:
            it deletes every object that is not a document. Default ``corpus/``.
    """

    bucket: pulumi.Input[str] = argument("string", effect="replace")
    source_dir: pulumi.Input[str] = argument("string", effect="ignore")
    documents: pulumi.Input[Mapping[str, pulumi.Input[str]]] = argument("string map")
    left_out: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = argument(
        "string map", default=None
    )
    prefix: pulumi.Input[str] = argument("string", effect="replace", default="corpus/")


class Corpus(Resource[CorpusArgs]):
    """The documents of a corpus in a bucket, uploaded by content hash.

    Why it exists: ``alicloud.oss.BucketObject`` is one resource for one file. That is too much for
    ten thousand documents, and it has no single value that changes when any file changes. Delete
    it to remove the documents and their manifest from the bucket. It never touches the folder on
    disk.

    Attributes:
        version: SHA-256 over ``documents``; known in a preview.
        document_count: Number of files.
        manifest_key: Object key of the manifest, which the resource writes last:
            ``{"version", "documents": {key: {"sha256", "size_bytes", "etag"}}, "left_out"}``.
        uri: ``oss://bucket/prefix``.
    """

    token = "customrag:oss:Corpus"  # noqa: S105 - a type token
    version = Out[str]()
    document_count = Out[int]()
    manifest_key = Out[str]()
    uri = Out[str]()


def corpus_version(documents: Mapping[str, str]) -> str:
    """Return a SHA-256 (hexadecimal) over a document map, whatever the order of the files."""
    canonical = json.dumps(dict(documents), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
