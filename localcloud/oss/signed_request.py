"""What all signature versions need to know of a request, and what a request claims.

Owns no check: ``signing_v1``, ``signing_v4`` and ``signing_aws4`` say how a claim is proved,
``authentication`` whether it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as its signer saw it.

    Attributes:
        method: The HTTP method.
        bucket: The bucket, however it was addressed; None for the service itself.
        key: The object's key, decoded; None for a bucket or the service.
        params: Query parameters, decoded.
        headers: Header names in lower case and their values, as they came in.
        raw_path: The path as it came in, percent-encoded; AWS signatures cover that.
    """

    method: str
    bucket: str | None
    key: str | None
    params: Mapping[str, str]
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    raw_path: str = "/"

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        wanted = name.encode("latin-1")
        for candidate, value in self.headers:
            if candidate == wanted:
                return value.decode("latin-1").strip()
        return ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Who a request says it is from, and the proof it offers.

    Attributes:
        access_key_id: The access key it says it was signed with.
        signature: The signature it carries.
        security_token: The session's token it carries.
        signed_at: When it says it was signed; None when it does not say.
        expires_at: Until when a presigned URL may be used.
        presigned: Whether the signature is in the URL.
        date: Version 4: the date it was signed, as written.
        scope: Version 4: date, region, product and terminator, with slashes.
        additional_headers: Version 4: further headers it covers, in lower case, sorted; AWS: all
            of them.
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
    """Whether the text is not a plain decimal number."""
    return not (text.isascii() and text.isdigit())
