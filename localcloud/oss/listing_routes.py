"""Operations that list objects and versions, and that delete many objects at once.

Owns what each operation reads from its request, and its reply. API reference:
https://help.aliyun.com/en/oss/developer-reference/listobjects-v2 (read 2026-11).
"""

from __future__ import annotations

import base64
import binascii

from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.exchange import Reply, Request, key_encoder, xml_reply
from localcloud.oss.listing import Query
from localcloud.oss.models import ObjectVersion
from localcloud.oss.routing import Route
from localcloud.oss.server import Server
from localcloud.oss.xml import Value, iso8601, text

_MAX_KEYS = 1000


def _query(request: Request) -> Query:
    return Query(
        bucket=request.bucket,
        prefix=request.params.get("prefix", ""),
        delimiter=request.params.get("delimiter", ""),
        limit=request.number("max-keys", 100, 1, _MAX_KEYS),
    )


def _entry(request: Request, version: ObjectVersion, key: str) -> dict[str, Value]:
    return {
        "Key": key,
        "LastModified": iso8601(version.modified_at),
        "ETag": f'"{version.etag}"',
        "Type": version.type.value,
        "Size": version.size,
        "StorageClass": request.storage_class,
    }


def list_objects_v2(server: Server, request: Request) -> Reply:
    """List objects, paged by continuation token."""
    query = _query(request)
    params = request.params
    if params["list-type"] != "2":
        raise invalid_argument("list-type", params["list-type"], "list-type must be 2.")
    token, start_after = params.get("continuation-token", ""), params.get("start-after", "")
    marker = _token_key(token) if token else start_after
    page = server.storage.listing.objects(query, marker)
    encode, encoding = key_encoder(request)
    with_owner = params.get("fetch-owner", "").lower() == "true"
    return xml_reply(
        "ListBucketResult",
        {
            "Name": request.bucket,
            "Prefix": encode(query.prefix),
            "StartAfter": encode(start_after) if start_after else None,
            "ContinuationToken": token or None,
            "MaxKeys": query.limit,
            "Delimiter": encode(query.delimiter),
            "EncodingType": encoding,
            "IsTruncated": page.truncated,
            "NextContinuationToken": _token(page.last) if page.truncated else None,
            "KeyCount": len(page.items) + len(page.prefixes),
            "Contents": [
                {
                    **_entry(request, version, encode(version.key)),
                    "Owner": server.owner if with_owner else None,
                }
                for version in page.items
            ],
            "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
        },
    )


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode("ascii")


def _token_key(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid_argument(
            "continuation-token",
            token,
            "The continuation token does not belong to a listing of this bucket.",
        ) from error


def list_object_versions(server: Server, request: Request) -> Reply:
    """List every version and delete marker."""
    query = _query(request)
    key_marker = request.params.get("key-marker", "")
    version_id_marker = request.params.get("version-id-marker", "")
    if version_id_marker and not key_marker:
        raise invalid_argument(
            "version-id-marker", version_id_marker, "version-id-marker needs key-marker."
        )
    page = server.storage.listing.versions(query, key_marker, version_id_marker)
    encode, encoding = key_encoder(request)
    versions: list[Value] = []
    markers: list[Value] = []
    for version in page.items:
        entry = _entry(request, version, encode(version.key))
        entry |= {
            "VersionId": version.version_id,
            "IsLatest": version.is_latest,
            "Owner": server.owner,
        }
        if version.delete_marker:
            for name in ("ETag", "Type", "Size", "StorageClass"):
                del entry[name]
            markers.append(entry)
        else:
            versions.append(entry)
    last = page.items[-1] if page.items and page.items[-1].key == page.last else None
    return xml_reply(
        "ListVersionsResult",
        {
            "Name": request.bucket,
            "Prefix": encode(query.prefix),
            "KeyMarker": encode(key_marker),
            "VersionIdMarker": version_id_marker,
            "MaxKeys": query.limit,
            "Delimiter": encode(query.delimiter),
            "EncodingType": encoding,
            "IsTruncated": page.truncated,
            "NextKeyMarker": encode(page.last) if page.truncated else None,
            "NextVersionIdMarker": (last.version_id if last else "") if page.truncated else None,
            "Version": versions,
            "DeleteMarker": markers,
            "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
        },
    )


def delete_multiple_objects(server: Server, request: Request) -> Reply:
    """Delete up to 1,000 objects or versions."""
    root = request.xml("Delete")
    quiet = (text(root, "Quiet") or "false").lower() == "true"
    wanted = [(text(item, "Key") or "", text(item, "VersionId")) for item in root.iter("Object")]
    if not 1 <= len(wanted) <= _MAX_KEYS or not all(key for key, _ in wanted):
        raise OssError(
            "MalformedXML",
            f"Delete has {len(wanted)} objects. It must have 1 to {_MAX_KEYS}, each with a Key.",
        )
    for key, version_id in wanted:
        action = "oss:DeleteObject" if version_id is None else "oss:DeleteObjectVersion"
        server.authorization.require(request.principal, action, request.bucket, key)
    encode, encoding = key_encoder(request)
    entries: list[Value] = []
    for key, version_id in wanted:
        deleted = server.storage.objects.delete(request.bucket, key, version_id)
        entries.append(
            {
                "Key": encode(key),
                "VersionId": version_id,
                "DeleteMarker": True if deleted.delete_marker else None,
                "DeleteMarkerVersionId": deleted.version_id if deleted.delete_marker else None,
            }
        )
    if quiet:
        return Reply()
    return xml_reply("DeleteResult", {"EncodingType": encoding, "Deleted": entries})


_PAGING = frozenset({"prefix", "delimiter", "max-keys", "encoding-type"})

ROUTES = (
    Route(
        "ListObjectsV2",
        "GET /BUCKET/?list-type",
        list_objects_v2,
        action="oss:ListObjects",
        params=_PAGING | {"continuation-token", "start-after", "fetch-owner"},
    ),
    Route(
        "ListObjectVersions",
        "GET /BUCKET/?versions",
        list_object_versions,
        params=_PAGING | {"key-marker", "version-id-marker"},
    ),
    Route(
        "DeleteMultipleObjects",
        "POST /BUCKET/?delete",
        delete_multiple_objects,
        action=None,
        params=frozenset({"encoding-type"}),
    ),
)
