"""Operations of multipart uploads.

Owns what each operation reads from its request, and its reply. API reference (read 2026-11):
https://help.aliyun.com/en/oss/developer-reference/multipart-upload-related-operations
"""

from __future__ import annotations

from urllib.parse import quote

from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.exchange import Reply, Request, key_encoder, xml_reply
from localcloud.oss.listing import Query
from localcloud.oss.models import MAX_PARTS
from localcloud.oss.object_headers import WRITE_HEADERS, encryption_headers, written_headers
from localcloud.oss.routing import Route
from localcloud.oss.server import Server
from localcloud.oss.xml import Value, iso8601, text


def initiate_multipart_upload(server: Server, request: Request) -> Reply:
    """Start an upload."""
    settings = server.settings(request)
    upload = server.storage.uploads.initiate(request.bucket, request.key, settings)
    encode, encoding = key_encoder(request)
    return xml_reply(
        "InitiateMultipartUploadResult",
        {
            "EncodingType": encoding,
            "Bucket": request.bucket,
            "Key": encode(request.key),
            "UploadId": upload.upload_id,
        },
        encryption_headers(settings.encryption),
    )


def upload_part(server: Server, request: Request) -> Reply:
    """Store a part."""
    number, upload_id = _part_number(request), request.params["uploadId"]
    server.storage.uploads.get(request.bucket, request.key, upload_id)
    with server.storage.receive(request.chunks()) as content:
        request.check_md5(content.md5)
        part = server.storage.uploads.add_part(
            request.bucket, request.key, upload_id, number, content
        )
    return Reply(headers={"etag": f'"{part.etag}"', "x-oss-hash-crc64ecma": str(part.crc64)})


def _part_number(request: Request) -> int:
    if not request.params["partNumber"]:
        raise invalid_argument("partNumber", "", "partNumber is empty. It must be a number.")
    return request.number("partNumber", 0, 1, MAX_PARTS)


def complete_multipart_upload(server: Server, request: Request) -> Reply:
    """Create the object from its parts."""
    bucket = server.storage.buckets.get(request.bucket)
    version = server.storage.uploads.complete(
        request.bucket, request.key, request.params["uploadId"], _listed_parts(request)
    )
    encode, encoding = key_encoder(request)
    return xml_reply(
        "CompleteMultipartUploadResult",
        {
            "EncodingType": encoding,
            "Location": f"{server.endpoint}/{request.bucket}/{quote(request.key)}",
            "Bucket": request.bucket,
            "Key": encode(request.key),
            "ETag": f'"{version.etag}"',
        },
        written_headers(bucket, version),
    )


def _listed_parts(request: Request) -> list[tuple[int, str]]:
    listed = []
    for part in request.xml("CompleteMultipartUpload").iter("Part"):
        number, etag = text(part, "PartNumber") or "", text(part, "ETag")
        if not (number.isascii() and number.isdigit()) or etag is None:
            raise OssError("MalformedXML", "Each Part needs a PartNumber and an ETag.")
        listed.append((int(number), etag))
    return listed


def abort_multipart_upload(server: Server, request: Request) -> Reply:
    """End an upload and delete its parts."""
    server.storage.uploads.abort(request.bucket, request.key, request.params["uploadId"])
    return Reply(status=204)


def list_parts(server: Server, request: Request) -> Reply:
    """List the parts of an upload."""
    upload_id = request.params["uploadId"]
    server.storage.uploads.get(request.bucket, request.key, upload_id)
    marker = request.number("part-number-marker", 0, 0, MAX_PARTS)
    limit = request.number("max-parts", 1000, 1, 1000)
    parts = server.storage.uploads.parts(upload_id, marker, limit + 1)
    shown = parts[:limit]
    encode, encoding = key_encoder(request)
    entries: list[Value] = [
        {
            "PartNumber": part.number,
            "LastModified": iso8601(part.modified_at),
            "ETag": f'"{part.etag}"',
            "HashCrc64ecma": part.crc64,
            "Size": part.size,
        }
        for part in shown
    ]
    return xml_reply(
        "ListPartsResult",
        {
            "EncodingType": encoding,
            "Bucket": request.bucket,
            "Key": encode(request.key),
            "UploadId": upload_id,
            "StorageClass": request.storage_class,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": shown[-1].number if shown else 0,
            "MaxParts": limit,
            "IsTruncated": len(parts) > limit,
            "Part": entries,
        },
    )


def list_multipart_uploads(server: Server, request: Request) -> Reply:
    """List the unfinished uploads of a bucket."""
    params = request.params
    query = Query(
        bucket=request.bucket,
        prefix=params.get("prefix", ""),
        delimiter=params.get("delimiter", ""),
        limit=request.number("max-uploads", 1000, 1, 1000),
    )
    key_marker = params.get("key-marker", "")
    upload_id_marker = params.get("upload-id-marker", "") if key_marker else ""
    page = server.storage.listing.uploads(query, key_marker, upload_id_marker)
    encode, encoding = key_encoder(request)
    entries: list[Value] = [
        {
            "Key": encode(upload.key),
            "UploadId": upload.upload_id,
            "StorageClass": request.storage_class,
            "Initiated": iso8601(upload.initiated_at),
        }
        for upload in page.items
    ]
    last_upload = page.items[-1].upload_id if page.items else ""
    return xml_reply(
        "ListMultipartUploadsResult",
        {
            "EncodingType": encoding,
            "Bucket": request.bucket,
            "KeyMarker": encode(key_marker),
            "UploadIdMarker": upload_id_marker,
            "NextKeyMarker": encode(page.last) if page.truncated else "",
            "NextUploadIdMarker": last_upload if page.truncated else "",
            "Delimiter": encode(query.delimiter),
            "Prefix": encode(query.prefix),
            "MaxUploads": query.limit,
            "IsTruncated": page.truncated,
            "Upload": entries,
            "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
        },
    )


_ENCODING = frozenset({"encoding-type"})
_UPLOAD = "/BUCKET/KEY?uploadId"

ROUTES = (
    Route(
        "InitiateMultipartUpload",
        "POST /BUCKET/KEY?uploads",
        initiate_multipart_upload,
        action="oss:PutObject",
        params=_ENCODING,
        headers=WRITE_HEADERS,
    ),
    Route(
        "UploadPart",
        "PUT /BUCKET/KEY?partNumber&uploadId",
        upload_part,
        action="oss:PutObject",
    ),
    Route(
        "CompleteMultipartUpload",
        f"POST {_UPLOAD}",
        complete_multipart_upload,
        action="oss:PutObject",
        params=_ENCODING,
    ),
    Route("AbortMultipartUpload", f"DELETE {_UPLOAD}", abort_multipart_upload),
    Route(
        "ListParts",
        f"GET {_UPLOAD}",
        list_parts,
        params=_ENCODING | {"max-parts", "part-number-marker"},
    ),
    Route(
        "ListMultipartUploads",
        "GET /BUCKET/?uploads",
        list_multipart_uploads,
        params=_ENCODING | {"prefix", "delimiter", "max-uploads", "key-marker", "upload-id-marker"},
    ),
)
