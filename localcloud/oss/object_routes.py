"""Operations on objects: put, get, head, copy, delete, ACL.

Owns what each operation reads from its request, and its reply. API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from dataclasses import replace

from localcloud.oss.conditions import check_conditions, wanted_range
from localcloud.oss.errors import invalid_argument, not_implemented
from localcloud.oss.exchange import Reply, Request, decoded, xml_reply
from localcloud.oss.models import Bucket, ObjectVersion, is_object_name
from localcloud.oss.object_headers import WRITE_HEADERS, read_headers, written_headers
from localcloud.oss.routing import CONDITIONS, Route
from localcloud.oss.server import Server
from localcloud.oss.versions import NewObject
from localcloud.oss.xml import iso8601


def put_object(server: Server, request: Request) -> Reply:
    """Store an object."""
    bucket = server.storage.buckets.get(request.bucket)
    settings = server.settings(request)
    with server.storage.receive(request.chunks()) as content:
        request.check_md5(content.md5)
        version = server.storage.objects.put(
            request.bucket, request.key, NewObject.of(content, settings)
        )
    return Reply(headers=written_headers(bucket, version))


def _readable(server: Server, request: Request) -> tuple[Bucket, ObjectVersion]:
    bucket = server.storage.buckets.get(request.bucket)
    version = server.storage.objects.get(
        request.bucket, request.key, request.params.get("versionId")
    )
    check_conditions(version, request.headers)
    return bucket, version


def get_object(server: Server, request: Request) -> Reply:
    """Read an object or a range of it."""
    with server.storage.unchanged():
        return _opened(server, request)


def _opened(server: Server, request: Request) -> Reply:
    bucket, version = _readable(server, request)
    server.authorization.require_key(request.principal, version.settings.encryption, "kms:Decrypt")
    headers = read_headers(bucket, version)
    span = wanted_range(version.size, request.headers)
    start, end = span if span is not None else (0, version.size - 1)
    length = end - start + 1
    headers["content-length"] = str(length)
    if span is not None:
        headers["content-range"] = f"bytes {start}-{end}/{version.size}"
    return Reply(
        status=200 if span is None else 206,
        headers=headers,
        body=server.storage.objects.open(version, start, length),
    )


def head_object(server: Server, request: Request) -> Reply:
    """Describe an object."""
    bucket, version = _readable(server, request)
    return Reply(headers=read_headers(bucket, version) | {"content-length": str(version.size)})


def delete_object(server: Server, request: Request) -> Reply:
    """Delete an object or a version of it."""
    deleted = server.storage.objects.delete(
        request.bucket, request.key, request.params.get("versionId")
    )
    headers = {}
    if deleted.version_id is not None:
        headers["x-oss-version-id"] = deleted.version_id
    if deleted.delete_marker:
        headers["x-oss-delete-marker"] = "true"
    return Reply(status=204, headers=headers)


def get_object_acl(server: Server, request: Request) -> Reply:
    """Return the object's own ACL."""
    version = server.storage.objects.get(request.bucket, request.key)
    return xml_reply(
        "AccessControlPolicy",
        {"Owner": server.owner, "AccessControlList": {"Grant": version.settings.acl}},
    )


def _copy_source(server: Server, request: Request) -> ObjectVersion:
    """Return the version that ``x-oss-copy-source`` names, if the caller may read it.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied``, ``NoSuchKey``, ...
    """
    value = request.headers["x-oss-copy-source"]
    path, _, query = value.partition("?")
    if query:
        raise not_implemented("A version as the source of a copy")
    bucket, _, key = decoded(path).removeprefix("/").partition("/")
    if not bucket or not is_object_name(key):
        raise invalid_argument("x-oss-copy-source", value, "It must have the form /BUCKET/KEY.")
    server.authorization.require(request.principal, "oss:GetObject", bucket, key)
    source = server.storage.objects.get(bucket, key)
    server.authorization.require_key(request.principal, source.settings.encryption, "kms:Decrypt")
    return source


def copy_object(server: Server, request: Request) -> Reply:
    """Copy an object with its metadata."""
    with server.storage.unchanged():
        bucket = server.storage.buckets.get(request.bucket)
        source = _copy_source(server, request)
        settings = replace(
            server.settings(request),
            headers=source.settings.headers,
            metadata=source.settings.metadata,
        )
        version = server.storage.objects.copy(source, request.bucket, request.key, settings)
    headers = written_headers(bucket, version)
    return xml_reply(
        "CopyObjectResult",
        {"ETag": headers["etag"], "LastModified": iso8601(version.modified_at)},
        headers,
    )


_ACL = frozenset({"x-oss-object-acl"})
_VERSION = frozenset({"versionId"})

ROUTES = (
    Route(
        "PutObject",
        "PUT /BUCKET/KEY",
        put_object,
        headers=WRITE_HEADERS,
        notes="Encryption is reported, but the bytes are not encrypted. No callbacks, conditions, "
        "tags, or storage classes.",
    ),
    Route(
        "CopyObject",
        "PUT /BUCKET/KEY (x-oss-copy-source)",
        copy_object,
        action="oss:PutObject",
        headers=_ACL,
        notes="The copy has the metadata of its source.",
    ),
    Route(
        "GetObject",
        "GET /BUCKET/KEY",
        get_object,
        params=_VERSION,
        headers=CONDITIONS,
        notes="No image processing.",
    ),
    Route(
        "HeadObject",
        "HEAD /BUCKET/KEY",
        head_object,
        action="oss:GetObject",
        params=_VERSION,
        headers=CONDITIONS,
    ),
    # ``oss2.Bucket.object_exists`` calls it.
    Route(
        "GetObjectMeta",
        "HEAD /BUCKET/KEY?objectMeta",
        head_object,
        action="oss:GetObject",
        params=_VERSION,
        headers=CONDITIONS,
        notes="The same headers as HeadObject.",
    ),
    Route("DeleteObject", "DELETE /BUCKET/KEY", delete_object, params=_VERSION),
    Route("GetObjectAcl", "GET /BUCKET/KEY?acl", get_object_acl),
)
