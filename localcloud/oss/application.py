"""The ASGI application that serves OSS.

Owns the steps of a request: its address (path or virtual-host style), authentication, the choice of
the operation, authorization, running the operation in a worker thread, and the reply or the XML
error. It does not own what an operation does.
"""

from __future__ import annotations

import base64
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, unquote_to_bytes

import anyio
import anyio.from_thread
import anyio.to_thread
from starlette.types import Receive, Scope, Send

from localcloud.faults import Faults
from localcloud.oss import (
    bucket_routes,
    configuration_routes,
    listing_routes,
    multipart_routes,
    object_routes,
    replication_routes,
)
from localcloud.oss.authentication import authenticate, claimed
from localcloud.oss.blobs import CHUNK_BYTES, ObjectStream
from localcloud.oss.conditions import http_date
from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.exchange import Reply, Request
from localcloud.oss.models import is_object_name
from localcloud.oss.routing import Route, find_route
from localcloud.oss.s3 import as_s3, from_s3, refuse_unknown
from localcloud.oss.server import Server
from localcloud.oss.signatures import AWS, OSS, PRESIGNED_PARAMS, SignedRequest

ROUTES: tuple[Route, ...] = (
    *bucket_routes.ROUTES,
    *configuration_routes.ROUTES,
    *listing_routes.ROUTES,
    *object_routes.ROUTES,
    *multipart_routes.ROUTES,
    *replication_routes.ROUTES,
)
HEALTH_PATH = "/_local/health"
_WORKER_THREADS = 64
_MAX_DRAINED_BYTES = 64 * 1024 * 1024
_VERSION_ACTIONS = {
    "oss:GetObject": "oss:GetObjectVersion",
    "oss:DeleteObject": "oss:DeleteObjectVersion",
}

_log = logging.getLogger(__name__)


class ClientGoneError(Exception):
    """The client disconnected before it had sent its whole body."""


class Application:
    """The ASGI application.

    Args:
        server: The state that the operations share.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._faults = Faults(server.access.store)
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_WORKER_THREADS)
        if scope["path"] == HEALTH_PATH:
            await _send(send, Reply(body=b"ok"), {}, self._limiter)
            return
        request_id = uuid.uuid4().hex[:24].upper()
        headers = _headers(scope)
        host = headers.get("host", self._server.endpoint_host)
        body = _Body(receive, headers)
        try:
            reply = await anyio.to_thread.run_sync(
                self._answer, scope, headers, body, limiter=self._limiter
            )
        except ClientGoneError:
            return
        except OssError as error:
            if error.status not in (304, 404):
                _log.info("%s %s %s: %s", request_id, scope["method"], scope["path"], error)
            reply = _error_reply(error, request_id, host.partition(":")[0], scope["method"])
        except Exception:  # noqa: BLE001 - logged, and answered with InternalError
            _log.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            internal = OssError(
                "InternalError", "We encountered an internal error. Please try again."
            )
            reply = _error_reply(internal, request_id, host.partition(":")[0], scope["method"])
        common = {
            "server": "AliyunOSS",
            "date": http_date(self._server.storage.clock()),
            "x-oss-request-id": request_id,
        }
        if not await body.drained():
            common["connection"] = "close"
        await _send(send, reply, common, self._limiter)

    def _answer(self, scope: Scope, headers: Mapping[str, str], body: _Body) -> Reply:
        bucket, key = self._address(scope, headers.get("host", ""))
        params = _params(scope)
        signed = SignedRequest(
            method=scope["method"],
            bucket=bucket,
            key=key,
            params=params,
            headers=scope["headers"],
            raw_path=scope["raw_path"].decode("ascii"),
        )
        claim = claimed(signed, self._expected_region(bucket))
        principal = None
        region_id = self._server.platform.region_id
        if claim is not None:
            now = self._server.storage.clock()
            principal = authenticate(signed, claim, self._server.access, now)
            region_id = claim.region_id if claim.scheme is OSS else region_id
        request = Request(
            method=scope["method"],
            bucket=bucket,
            key=key,
            params={name: text for name, text in params.items() if name not in PRESIGNED_PARAMS},
            headers=headers,
            principal=principal,
            read=body.read,
            region_id=region_id,
        )
        if claim is not None and claim.scheme is AWS:
            request = from_s3(request)
        level = "object" if key else "bucket" if bucket else "service"
        if principal is None and level == "service":
            raise OssError("AccessDenied", "Anonymous access is forbidden for this operation.")
        if key and not is_object_name(key):
            raise OssError("InvalidObjectName", "The specified object is not valid.")
        route = find_route(ROUTES, level, request)
        if request.is_s3:
            refuse_unknown(route.name)
        if bucket and self._faults.hits("bucket-taken", bucket=bucket):
            raise _taken(bucket, route.name)
        if route.ram_action is not None:
            self._authorize(request, route.ram_action)
        reply = _with_small_body(route.handler(self._server, request))
        return as_s3(reply) if request.is_s3 else reply

    def _expected_region(self, bucket: str) -> str | None:
        """Return the region that a signature must name, or None if any region is valid.

        It is the bucket's region; a bucket that does not exist yet can be created in any region. In
        the cloud each region has its own endpoint, here one endpoint serves all regions.
        """
        if not bucket or self._server.storage.buckets.find(bucket) is None:
            return None
        return self._server.region_id(bucket)

    def _authorize(self, request: Request, action: str) -> None:
        if "versionId" in request.params:
            action = _VERSION_ACTIONS.get(action, action)
        self._server.authorization.require(request.principal, action, request.bucket, request.key)

    def _address(self, scope: Scope, host: str) -> tuple[str, str]:
        """Return a request's bucket and key; each is empty if the request does not name it."""
        path = scope["raw_path"].removeprefix(b"/")
        name = host.partition(":")[0]
        for suffix in (f".{self._server.endpoint_host.partition(':')[0]}", ".localhost"):
            if name.endswith(suffix):
                return name.removesuffix(suffix), _decode(path)
        bucket, _, key = path.partition(b"/")
        return _decode(bucket), _decode(key)


class _Body:
    """A request's body, which a worker thread reads."""

    def __init__(self, receive: Receive, headers: Mapping[str, str]) -> None:
        self._receive = receive
        self._ended = headers.get("content-length", "0") == "0" and (
            "transfer-encoding" not in headers
        )

    def read(self) -> bytes:
        """Return about the next ``CHUNK_BYTES``; empty at the end."""
        return b"" if self._ended else anyio.from_thread.run(self._read)

    async def drained(self) -> bool:
        """Discard the rest of the body; return whether its end was reached.

        A client that is still sending would see a broken connection instead of the reply.
        """
        left = _MAX_DRAINED_BYTES
        try:
            while not self._ended and left > 0:
                left -= len(await self._read())
        except ClientGoneError:
            return False
        return self._ended

    async def _read(self) -> bytes:
        data = bytearray()
        while not self._ended and len(data) < CHUNK_BYTES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            data += message.get("body", b"")
            self._ended = not message.get("more_body", False)
        return bytes(data)


def _taken(bucket: str, operation: str) -> OssError:
    """Return OSS's error for a bucket that belongs to another account."""
    if operation == "PutBucket":
        return OssError(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all "
            "users of the system. Please select a different name and try again.",
            details={"BucketName": bucket},
        )
    return OssError("AccessDenied", "The bucket you access does not belong to you.")


def _with_small_body(reply: Reply) -> Reply:
    """Read a small object's bytes into the reply, which saves two thread switches."""
    stream = reply.body
    if isinstance(stream, bytes) or stream.length > CHUNK_BYTES:
        return reply
    with stream:
        return replace(reply, body=b"".join(stream))


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1").strip() for name, value in scope["headers"]
    }


def _params(scope: Scope) -> dict[str, str]:
    query = scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise OssError("InvalidArgument", "The query is not percent-encoded UTF-8.") from error
    params = dict(pairs)
    if len(params) != len(pairs):
        raise not_implemented("A query parameter given twice")
    return params


def _decode(path: bytes) -> str:
    try:
        return unquote_to_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise OssError("InvalidObjectName", "The object name is not UTF-8.") from error


def _error_reply(error: OssError, request_id: str, host_id: str, method: str) -> Reply:
    body = error.body(request_id, host_id)
    headers = {**error.headers, "x-oss-ec": error.ec}
    if error.status == 304:
        return Reply(status=error.status, headers=error.headers)
    if method == "HEAD":
        # Without a body, oss2 reads the error from this header.
        headers["x-oss-err"] = base64.b64encode(body).decode("ascii")
        return Reply(status=error.status, headers=headers)
    return Reply(
        status=error.status, headers={"content-type": "application/xml", **headers}, body=body
    )


async def _send(
    send: Send, reply: Reply, common: Mapping[str, str], limiter: anyio.CapacityLimiter
) -> None:
    headers = {**common, **reply.headers}
    body = reply.body
    if isinstance(body, bytes) and reply.status != 304:
        # Also with 204, as OSS does: without it oss2 would not use the connection again.
        headers.setdefault("content-length", str(len(body)))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
        if isinstance(body, ObjectStream):
            while data := await anyio.to_thread.run_sync(body.read, limiter=limiter):
                await send({"type": "http.response.body", "body": data, "more_body": True})
            body = b""
        await send({"type": "http.response.body", "body": body})
    finally:
        if isinstance(reply.body, ObjectStream):
            reply.body.close()
