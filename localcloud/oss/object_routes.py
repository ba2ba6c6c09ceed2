"""Operations on objects: put, get, head, copy, append, delete.

Owns what each operation reads from its request, and its reply. API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

from localcloud.oss.conditions import check_conditions, http_date, wanted_range
from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.exchange import Reply, Request, decoded, xml_reply
from localcloud.oss.models import (
    Bucket,
    ObjectSettings,
    ObjectVersion,
    Versioning,
    is_object_name,
)
from localcloud.oss.object_headers import (
    WRITE_HEADERS,
    read_headers,
    version_headers,
    written_headers,
)
from localcloud.oss.routing import Route
from localcloud.oss.server import Server
from localcloud.oss.versions import NewObject
from localcloud.oss.xml import iso8601

_OVERRIDES = {
    "response-content-type": "content-type",
    "response-content-language": "content-language",
    "response-expires": "expires",
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
}
_ARCHIVED = ("Archive", "ColdArchive", "DeepColdArchive")


def put_object(server: Server, request: Request) -> Reply:
    """Store an object."""
    bucket = server.storage.buckets.get(request.bucket)
    settings = server.settings(request, bucket)
    if settings.tags:
        server.authorization.require(
            request.caller, "oss:PutObjectTagging", request.bucket, request.key
        )
    with server.storage.receive(request.chunks()) as content:
        request.check_md5(content.md5)
        version = server.storage.objects.put(
            request.bucket,
            request.key,
            NewObject.of(content, settings),
            forbid_overwrite=request.flag("x-oss-forbid-overwrite"),
        )
    return Reply(headers=written_headers(bucket, version))


def append_object(server: Server, request: Request) -> Reply:
    """Append to an appendable object."""
    bucket = server.storage.buckets.get(request.bucket)
    position = request.number("position", 0, 0, 2**63 - 1)
    with server.storage.receive(request.chunks()) as content:
        request.check_md5(content.md5)
        version = server.storage.objects.append(
            request.bucket, request.key, position, content, server.settings(request, bucket)
        )
    headers = written_headers(bucket, version)
    headers["x-oss-next-append-position"] = str(version.size)
    return Reply(headers=headers)


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
    server.authorization.require_key(request.caller, version.settings.encryption, "kms:Decrypt")
    if version.settings.storage_class in _ARCHIVED:
        raise OssError(
            "InvalidObjectState",
            "The operation is not valid for the object's state: it is archived, and the local OSS "
            "cannot restore it.",
        )
    headers = read_headers(bucket, version)
    for parameter, header in _OVERRIDES.items():
        if parameter in request.params:
            if request.caller.principal is None:
                raise OssError("InvalidRequest", f"{parameter} needs a signed request.")
            headers[header] = _header_value(parameter, request.params[parameter])
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


def _header_value(parameter: str, value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise invalid_argument(parameter, value, "It must be printable ASCII.")
    return value


def head_object(server: Server, request: Request) -> Reply:
    """Describe an object."""
    bucket, version = _readable(server, request)
    return Reply(headers=read_headers(bucket, version) | {"content-length": str(version.size)})


def get_object_meta(server: Server, request: Request) -> Reply:
    """Return an object's size, ETag and time only."""
    bucket, version = _readable(server, request)
    return Reply(
        headers={
            "etag": f'"{version.etag}"',
            "content-length": str(version.size),
            "last-modified": http_date(version.modified_at),
            "x-oss-hash-crc64ecma": str(version.crc64),
            **version_headers(bucket, version.version_id),
        }
    )


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


def copy_source(server: Server, request: Request) -> ObjectVersion:
    """Return the version that ``x-oss-copy-source`` names, if the caller may read it.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied``, ``NoSuchKey``, ``PreconditionFailed``, ...
    """
    value = request.headers["x-oss-copy-source"]
    path, _, query = value.partition("?")
    bucket, _, key = decoded(path).removeprefix("/").partition("/")
    if not bucket or not is_object_name(key):
        raise invalid_argument("x-oss-copy-source", value, "It must have the form /BUCKET/KEY.")
    version_id = parse_qs(query).get("versionId", [None])[0]
    action = "oss:GetObject" if version_id is None else "oss:GetObjectVersion"
    server.authorization.require(request.caller, action, bucket, key)
    source = server.storage.objects.get(bucket, key, version_id)
    server.authorization.require_key(request.caller, source.settings.encryption, "kms:Decrypt")
    check_conditions(source, request.headers, "x-oss-copy-source-")
    return source


def copy_object(server: Server, request: Request) -> Reply:
    """Copy an object, possibly to itself to change its metadata."""
    with server.storage.unchanged():
        return _copied(server, request)


def _copied(server: Server, request: Request) -> Reply:
    bucket = server.storage.buckets.get(request.bucket)
    source = copy_source(server, request)
    version = server.storage.objects.copy(
        source,
        request.bucket,
        request.key,
        _copied_settings(request, source, server.settings(request, bucket)),
        forbid_overwrite=request.flag("x-oss-forbid-overwrite"),
    )
    headers = written_headers(bucket, version)
    source_bucket = server.storage.buckets.get(source.bucket)
    if source_bucket.versioning is not Versioning.OFF:
        headers["x-oss-copy-source-version-id"] = source.version_id
    return xml_reply(
        "CopyObjectResult",
        {"ETag": headers.pop("etag"), "LastModified": iso8601(version.modified_at)},
        {**headers, "etag": f'"{version.etag}"'},
    )


def _directive(request: Request, header: str) -> bool:
    value = request.headers.get(header, "COPY").upper()
    if value not in ("COPY", "REPLACE"):
        raise invalid_argument(header, value, "It must be COPY or REPLACE.")
    return value == "REPLACE"


def _copied_settings(
    request: Request, source: ObjectVersion, given: ObjectSettings
) -> ObjectSettings:
    settings = given
    if not _directive(request, "x-oss-metadata-directive"):
        settings = replace(
            settings, headers=source.settings.headers, metadata=source.settings.metadata
        )
    if not _directive(request, "x-oss-tagging-directive"):
        settings = replace(settings, tags=source.settings.tags)
    return settings


_VERSION = frozenset({"versionId"})
_CONDITIONAL = frozenset({"x-oss-range-behavior"})
_COPY_HEADERS = frozenset(
    {
        "x-oss-copy-source-if-match",
        "x-oss-copy-source-if-none-match",
        "x-oss-copy-source-if-modified-since",
        "x-oss-copy-source-if-unmodified-since",
        "x-oss-metadata-directive",
        "x-oss-tagging-directive",
    }
)

ROUTES = (
    Route(
        name="PutObject",
        scope="object",
        method="PUT",
        handler=put_object,
        action="oss:PutObject",
        headers=WRITE_HEADERS,
        notes="Encryption is reported, but the bytes are not encrypted. No callbacks.",
    ),
    Route(
        name="CopyObject",
        scope="object",
        method="PUT",
        handler=copy_object,
        action="oss:PutObject",
        requires_header="x-oss-copy-source",
        headers=WRITE_HEADERS | _COPY_HEADERS,
    ),
    Route(
        name="AppendObject",
        scope="object",
        method="POST",
        handler=append_object,
        action="oss:PutObject",
        requires=frozenset({"append", "position"}),
        headers=WRITE_HEADERS - {"x-oss-forbid-overwrite"},
    ),
    Route(
        name="GetObject",
        scope="object",
        method="GET",
        handler=get_object,
        action="oss:GetObject",
        params=_VERSION | _OVERRIDES.keys(),
        headers=_CONDITIONAL,
        notes="No image processing; archived objects cannot be restored.",
    ),
    Route(
        name="HeadObject",
        scope="object",
        method="HEAD",
        handler=head_object,
        action="oss:GetObject",
        params=_VERSION,
        headers=_CONDITIONAL,
    ),
    Route(
        name="GetObjectMeta",
        scope="object",
        method="HEAD",
        handler=get_object_meta,
        action="oss:GetObject",
        requires=frozenset({"objectMeta"}),
        params=_VERSION,
    ),
    Route(
        name="DeleteObject",
        scope="object",
        method="DELETE",
        handler=delete_object,
        action="oss:DeleteObject",
        params=_VERSION,
    ),
)
