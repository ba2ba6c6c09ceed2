"""A request and its reply, as the operations see them.

Owns reading a request's parameters, headers and body, and the form of a reply. Operations run in
worker threads, so reading the body blocks. Only XML documents, which are small, are held in memory
as a whole.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

from localcloud.core.access import Principal
from localcloud.oss import xml
from localcloud.oss.blobs import ObjectStream
from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.models import STORAGE_CLASS

# https://help.aliyun.com/en/oss/user-guide/limits (read 2026-11)
_MAX_BODY_BYTES = 5 * 1024**3
_MAX_DOCUMENT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """An authenticated request.

    Attributes:
        method: The HTTP method.
        bucket: The bucket; empty for the service.
        key: The object's key; empty for the service or a bucket.
        params: Query parameters, without those of the signature.
        headers: Headers by lower-case name.
        principal: The caller; None if anonymous.
        read: The body's next bytes; empty at its end.
        region_id: Region of the endpoint: the one that OSS's own signature names.
        is_s3: Whether the client uses the S3-compatible API.
    """

    method: str
    bucket: str
    key: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    principal: Principal | None
    read: Callable[[], bytes] = field(repr=False)
    region_id: str
    is_s3: bool = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces.

        Raises:
            OssError: ``EntityTooLarge`` beyond 5 GiB, the limit of one request.
        """
        size = 0
        while chunk := self.read():
            size += len(chunk)
            if size > _MAX_BODY_BYTES:
                raise OssError(
                    "EntityTooLarge",
                    "Your proposed upload exceeds the maximum allowed size.",
                    details={"MaxSizeAllowed": str(_MAX_BODY_BYTES)},
                )
            yield chunk

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return an integer parameter.

        Raises:
            OssError: ``InvalidArgument`` if it is not an integer within the bounds.
        """
        value = self.params.get(name, "")
        if value == "":
            return default
        if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
            raise invalid_argument(
                name, value, f"Argument {name} must be an integer between {low} and {high}."
            )
        return int(value)

    @property
    def storage_class(self) -> str:
        """The name of the only storage class, as the client's API writes it."""
        return "STANDARD" if self.is_s3 else STORAGE_CLASS

    def document(self) -> bytes:
        """Return the whole body after checking its ``Content-MD5``.

        Raises:
            OssError: ``InvalidDigest``, ``EntityTooLarge``.
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > _MAX_DOCUMENT_BYTES:
                raise OssError("EntityTooLarge", "Your request document is too large.")
        self.check_md5(hashlib.md5(body, usedforsecurity=False).digest())
        return bytes(body)

    def xml(self, root: str, default: bytes = b"") -> Element:
        """Return the body's XML root element.

        Args:
            root: The expected name of the element.
            default: The document if the body is empty.

        Raises:
            OssError: ``MalformedXML``, and as ``document``.
        """
        try:
            return xml.parse(self.document() or default, root)
        except xml.XmlError as error:
            raise OssError(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our "
                f"published schema: {error}.",
            ) from error

    def check_md5(self, digest: bytes) -> None:
        """Compare a body's MD5 with the request's ``Content-MD5``.

        Raises:
            OssError: ``InvalidDigest``.
        """
        given = self.headers.get("content-md5")
        if given is None:
            return
        if given != base64.b64encode(digest).decode("ascii"):
            raise OssError(
                "InvalidDigest",
                "The Content-MD5 you specified was invalid.",
                details={"Content-MD5": given},
            )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The reply of an operation.

    Attributes:
        status: The HTTP status.
        headers: Response headers.
        body: The body, or a stream of an object's bytes, which the server closes.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | ObjectStream = b""


def xml_reply(
    root: str,
    content: Mapping[str, xml.Value] | str,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return a reply with an XML body."""
    return Reply(
        headers={"content-type": "application/xml", **(headers or {})},
        body=xml.document(root, content),
    )


def decoded(value: str) -> str:
    """Return the percent-decoded value of ``x-oss-copy-source``.

    Raises:
        OssError: ``InvalidArgument`` when it is not UTF-8.
    """
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise OssError("InvalidArgument", f"{value!r} is not percent-encoded UTF-8.") from error


def key_encoder(request: Request) -> tuple[Callable[[str], str], str | None]:
    """Return how the reply writes keys: unchanged, or URL-encoded if the request asks for it.

    Returns:
        The function that writes a key, and the reply's ``EncodingType``.

    Raises:
        OssError: ``InvalidArgument``.
    """
    encoding = request.params.get("encoding-type", "").lower()
    if encoding == "url":
        return quote, "url"
    if encoding:
        raise invalid_argument("encoding-type", encoding, "encoding-type must be url.")
    return str, None
