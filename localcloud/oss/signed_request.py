"""The parts of a request that signatures cover, and the identity that a request claims.

Does not own the signature algorithms (``signing_v1``, ``signing_v4`` and ``signing_aws4``), nor the
checks (``authentication``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as its signer saw it.

    Attributes:
        method: The HTTP method.
        bucket: The bucket, from the path or the host; None for the service itself.
        key: The object's key, decoded; None for a bucket or the service.
        params: Query parameters, decoded.
        headers: Header names in lower case and their values, unchanged.
        raw_path: The percent-encoded path, which AWS signatures cover.
    """

    method: str
    bucket: str | None
    key: str | None
    params: Mapping[str, str]
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    raw_path: str = "/"

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        wanted = name.encode("latin-1")
        for candidate, value in self.headers:
            if candidate == wanted:
                return value.decode("latin-1").strip()
        return ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The identity that a request claims, and its signature.

    Attributes:
        access_key_id: The access key that it names.
        signature: Its signature.
        security_token: The session's token, if any.
        signed_at: The time of signing that it names, if any.
        expires_at: The time when a presigned URL expires.
        presigned: Whether the signature is in the URL.
        date: Version 4: the text of the signing date.
        scope: Version 4: date, region, product and terminator, with slashes.
        additional_headers: Version 4: other headers that it covers, in lower case, sorted; AWS:
            all headers.
    """

    access_key_id: str
    signature: str = field(repr=False)
    security_token: str | None = field(repr=False)
    signed_at: float | None = None
    expires_at: float | None = None
    presigned: bool = False
    date: str = ""
    scope: str = ""
    additional_headers: tuple[str, ...] = ()


def not_a_number(text: str) -> bool:
    """Return whether the text is not a plain decimal number."""
    return not (text.isascii() and text.isdigit())
