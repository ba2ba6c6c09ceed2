"""Life cycle of ``customrag:oss:Corpus``: a prefix of a bucket kept equal to a folder.

Uploads only documents that differ by content. Writes the manifest last, so that it never names an
object that does not exist. After an interrupted update, the next one uploads the missing documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pluginhost import (
    UNKNOWN,
    OperationCancelledError,
    PartialError,
    ProviderError,
    contains_unknown,
)
from providers.clients.errors import ClientError, ContentMismatchError, NotFoundError
from providers.clients.oss import ObjectInfo, file_digests
from providers.clients.oss_uri import OssUri
from providers.corpus import MANIFEST_NAME, Corpus, CorpusArgs, corpus_version
from providers.declaration import inputs_of
from providers.plugin.framework import (
    Call,
    Change,
    Failure,
    Handler,
    Values,
    compare,
)

__all__ = ["CorpusHandler"]

_UPLOADS_AT_A_TIME: Final = 8
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """The objects under the prefix.

    Attributes:
        objects: Key relative to the prefix, to the object; without the manifest.
        manifest: Key to its entry in the present manifest; empty if no manifest exists.
        left_out: The files that the present manifest names as not uploaded.
    """

    objects: Mapping[str, ObjectInfo]
    manifest: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]

    def sha256(self, key: str) -> str | None:
        """Return an object's digest by the manifest; ``None`` if the object does not exist.

        The digest of an object that differs from the manifest's entry is ``changed:<etag>``.
        """
        found = self.objects.get(key)
        if found is None:
            return None
        entry = self.manifest.get(key, {})
        if entry.get("etag") == found.etag and entry.get("size_bytes") == found.size_bytes:
            return str(entry.get("sha256"))
        return f"changed:{found.etag}"


def _uri(inputs: Values) -> OssUri:
    return OssUri(str(inputs["bucket"]), str(inputs["prefix"]))


def look(prefix: OssUri, call: Call) -> Remote:
    """List the prefix and read its manifest.

    Raises:
        NotFoundError: There is no such bucket.
    """
    objects = {
        info.key[len(prefix.key) :]: info
        for info in call.services.oss.list(prefix)
        if not info.key.endswith("/")
    }
    manifest: Mapping[str, Any] = {}
    left_out: Mapping[str, str] = {}
    if objects.pop(MANIFEST_NAME, None) is not None:
        try:
            content = call.services.oss.get_json(prefix.join(MANIFEST_NAME))
            manifest, left_out = content["documents"], content.get("left_out", {})
        except (ContentMismatchError, NotFoundError, KeyError, TypeError, AttributeError):
            call.log(
                f"{prefix}{MANIFEST_NAME} is not a manifest; this update rewrites it", "warning"
            )
    return Remote(objects=objects, manifest=manifest, left_out=left_out)


class CorpusHandler(Handler):
    """A folder's documents in a bucket."""

    token = Corpus.token
    inputs = inputs_of(CorpusArgs)
    needed = ("bucket", "prefix")

    def check(self, inputs: Values) -> Iterator[Failure]:
        prefix = inputs.get("prefix")
        if isinstance(prefix, str) and not re.fullmatch(r"[^/\\]+(/[^/\\]+)*/", prefix):
            yield Failure(
                "prefix", f"is {prefix!r}; allowed is a key that ends in '/', like 'corpus/'"
            )
        source_dir = inputs.get("sourceDir")
        if isinstance(source_dir, str) and not Path(source_dir).is_dir():
            yield Failure(
                "sourceDir", f"is {source_dir!r}, which is not a directory on this machine"
            )
        documents = inputs.get("documents")
        if not isinstance(documents, Mapping):
            return
        if not documents:
            yield Failure("documents", "is empty; give at least one document")
        for key, digest in documents.items():
            parts = PurePosixPath(key).parts
            if not key or key.startswith(("/", "\\")) or ".." in parts:
                yield Failure(
                    "documents", f"has key {key!r}; allowed are relative keys like 'docs/a.md'"
                )
            if key == MANIFEST_NAME:
                yield Failure("documents", f"has key {key!r}, which is the manifest's own")
            if isinstance(digest, str) and not _SHA256.fullmatch(digest):
                yield Failure(
                    "documents",
                    f"has {digest!r} for {key!r}; allowed is a SHA-256 of 64 hexadecimal digits",
                )

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = compare(self.inputs, old_inputs, news)
        if not changes and olds.get("version") != self.preview_create(news)["version"]:
            # An interrupted upload, or a refresh that found other objects.
            changes.append(Change(path="version", kind="update"))
        return changes

    def preview_create(self, inputs: Values) -> dict[str, Any]:
        documents, prefix = inputs.get("documents"), inputs.get("prefix")
        bucket = inputs.get("bucket")
        known = isinstance(documents, Mapping) and not contains_unknown(documents)
        placed = isinstance(prefix, str) and isinstance(bucket, str)
        return {
            "version": corpus_version(documents) if known and documents else UNKNOWN,
            "documentCount": len(documents) if isinstance(documents, Mapping) else UNKNOWN,
            "manifestKey": f"{prefix}{MANIFEST_NAME}" if isinstance(prefix, str) else UNKNOWN,
            "uri": f"oss://{bucket}/{prefix}" if placed else UNKNOWN,
        }

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        resource_id = str(_uri(inputs))
        return resource_id, self._bring_up_to_date(resource_id, inputs, call)

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        return self._bring_up_to_date(call.resource_id, inputs, call)

    def _bring_up_to_date(self, resource_id: str, inputs: Values, call: Call) -> dict[str, Any]:
        try:
            _synchronise(inputs, call)
        except (ClientError, ProviderError, OSError) as error:
            # Recorded, so that `destroy` removes the uploads and `up` continues from there.
            outputs = {**inputs, **self.preview_create(inputs), "version": ""}
            raise PartialError(str(error), resource_id, outputs) from error
        return self.preview_create(inputs)

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        try:
            remote = look(_uri(inputs), call)
        except NotFoundError:
            return None
        if not remote.objects:
            return None
        documents = {key: remote.sha256(key) for key in sorted(remote.objects)}
        present = {**inputs, "documents": documents}
        outputs = self.preview_create(present)
        if olds.get("version") == "":
            outputs["version"] = ""
        return present, outputs

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        prefix = _uri(inputs)
        try:
            keys = [info.key for info in call.services.oss.list(prefix)]
        except NotFoundError:
            return
        manifest_key = f"{prefix.key}{MANIFEST_NAME}"
        # The manifest first: a reader of the manifest must find every object that it names.
        ordered = [key for key in keys if key == manifest_key]
        ordered += [key for key in keys if key != manifest_key]
        call.services.oss.delete_many(prefix.bucket, ordered)


def _synchronise(inputs: Values, call: Call) -> None:
    prefix, documents = _uri(inputs), dict(inputs["documents"])
    source = Path(str(inputs["sourceDir"]))
    remote = look(prefix, call)
    differing = [key for key in sorted(documents) if remote.sha256(key) != documents[key]]
    infos = {key: remote.objects[key] for key in documents.keys() - set(differing)}
    infos |= _upload(prefix, source, {key: documents[key] for key in differing}, remote, call)
    gone = sorted(remote.objects.keys() - documents.keys())
    if gone:
        call.status(f"removing {len(gone)} documents")
        call.services.oss.delete_many(prefix.bucket, [f"{prefix.key}{key}" for key in gone])
    entries = {
        key: {
            "sha256": documents[key],
            "size_bytes": infos[key].size_bytes,
            "etag": infos[key].etag,
        }
        for key in sorted(documents)
    }
    left_out = dict(inputs.get("leftOut") or {})
    if (entries, left_out) != (remote.manifest, remote.left_out):
        manifest = {
            "version": corpus_version(documents),
            "documents": entries,
            "left_out": left_out,
        }
        call.services.oss.put_bytes(
            prefix.join(MANIFEST_NAME),
            json.dumps(manifest, indent=1).encode(),
            content_type="application/json",
        )


def _upload(
    prefix: OssUri, source: Path, documents: Mapping[str, str], remote: Remote, call: Call
) -> dict[str, ObjectInfo]:
    """Upload documents, several at a time; stop at the first failure."""
    if not documents:
        return {}

    def upload(key: str) -> tuple[str, ObjectInfo]:
        if call.cancelled.is_set():
            raise OperationCancelledError(
                "cancelled; the next `pulumi up` uploads the missing documents"
            )
        return key, _upload_one(prefix, source, key, documents[key], remote, call)

    done: dict[str, ObjectInfo] = {}
    with ThreadPoolExecutor(max_workers=_UPLOADS_AT_A_TIME) as pool:
        futures = [pool.submit(upload, key) for key in documents]
        pending: Iterable[Any] = futures
        while pending:
            finished, pending = wait(pending, timeout=1.0, return_when=FIRST_EXCEPTION)
            if any(future.exception() for future in finished):
                pool.shutdown(cancel_futures=True)
            done.update(future.result() for future in finished if not future.cancelled())
            call.status(f"{len(done)} of {len(documents)} documents uploaded")
    return done


def _upload_one(
    prefix: OssUri, source: Path, key: str, sha256: str, remote: Remote, call: Call
) -> ObjectInfo:
    path = source / key
    try:
        found = remote.objects.get(key)
        if found is not None:
            actual, md5, size_bytes = file_digests(path)
            same = (found.etag, found.size_bytes) == (md5.hex().upper(), size_bytes)
            if same and actual == sha256:
                return found
        return call.services.oss.upload_file(path, prefix.join(key), expected_sha256=sha256)
    except ContentMismatchError as error:
        raise ProviderError(
            f"document {key!r} changed on disk during the update: {error.message}. "
            "Run `pulumi up` again."
        ) from error
    except OSError as error:
        raise ProviderError(
            f"document {key!r} cannot be read from {source}: {error.strerror or error}. "
            "Restore or remove it, then run `pulumi up` again."
        ) from error
