"""OSS signature version 1: HMAC-SHA1 over method, some headers and the resource.

Owns the string to sign and parsing a version 1 signature. Does not own the checks of key and time
(``authentication``).
Source: https://help.aliyun.com/en/oss/developer-reference/include-signatures-in-the-authorization-header
and ``ProviderAuth`` in oss2 2.19.1 ``auth.py`` (read 2026-11).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from email.utils import parsedate_to_datetime

from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.signed_request import Claim, SignedRequest, not_a_number

_SCHEME = "OSS "
# The subresources and overrides that oss2 2.19.1 signs (``_subresource_key_set``).
_NAMES = """
response-content-type response-content-language response-cache-control logging
response-content-encoding acl uploadId uploads partNumber group link delete website location
objectInfo objectMeta response-expires response-content-disposition cors lifecycle restore qos
referer stat bucketInfo append position security-token live comp status vod startTime endTime
x-oss-process symlink callback callback-var tagging encryption versions versioning versionId policy
requestPayment x-oss-traffic-limit qosInfo asyncFetch x-oss-request-payer sequential inventory
inventoryId continuation-token worm wormId wormExtend replication replicationLocation
replicationProgress transferAcceleration cname metaQuery x-oss-ac-source-ip x-oss-ac-subnet-mask
x-oss-ac-vpc-id x-oss-ac-forward-allow resourceGroup style styleName x-oss-async-process regionList
x-oss-write-get-object-response bucketArchiveDirectRead httpsConfig redundancyTransition
x-oss-target-redundancy-type x-oss-redundancy-transition-taskid accessPoint accessPointPolicy
publicAccessBlock x-oss-access-point-name requesterQosInfo qosRequester resourcePoolInfo
resourcePool resourcePoolBuckets
"""
_SIGNED_PARAMETERS = frozenset(_NAMES.split())


def find(request: SignedRequest) -> Claim | None:
    """Return the version 1 signature of a request, or None if it is missing.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied`` for a signature without a usable date.
    """
    if "Signature" in request.params and "OSSAccessKeyId" in request.params:
        expires = request.params.get("Expires", "")
        if not_a_number(expires):
            raise OssError("AccessDenied", f"Expires must be a number of seconds, not {expires!r}.")
        return Claim(
            access_key_id=request.params["OSSAccessKeyId"],
            signature=request.params["Signature"],
            security_token=request.params.get("security-token"),
            expires_at=float(expires),
            presigned=True,
        )
    authorization = request.header("authorization")
    if not authorization.startswith(_SCHEME):
        return None
    access_key_id, separator, signature = authorization[len(_SCHEME) :].strip().rpartition(":")
    if not separator:
        raise invalid_argument("Authorization", authorization, "Authorization header is invalid.")
    return Claim(
        access_key_id=access_key_id,
        signature=signature,
        security_token=request.header("x-oss-security-token") or None,
        signed_at=_date(request),
    )


def _date(request: SignedRequest) -> float:
    text = request.header("x-oss-date") or request.header("date")
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError as error:
        raise OssError("AccessDenied", "OSS authentication requires a valid Date.") from error


def string_to_sign(request: SignedRequest, claim: Claim) -> bytes:
    """Return the bytes that a version 1 signature covers."""
    if claim.presigned:
        date = request.params["Expires"]
    else:
        date = request.header("x-oss-date") or request.header("date")
    lines = [
        request.method.encode(),
        request.header("content-md5").encode("latin-1"),
        request.header("content-type").encode("latin-1"),
        date.encode("latin-1"),
    ]
    headers = sorted((name, value) for name, value in request.headers if name.startswith(b"x-oss-"))
    lines.extend(name + b":" + value.strip() for name, value in headers)
    lines.append(_resource(request).encode())
    return b"\n".join(lines)


def _resource(request: SignedRequest) -> str:
    path = "/" if request.bucket is None else f"/{request.bucket}/{request.key or ''}"
    signed = sorted(
        (name, value) for name, value in request.params.items() if name in _SIGNED_PARAMETERS
    )
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    return f"{path}?{query}" if query else path


def signature(secret: str, text: bytes) -> str:
    """Return the signature of a string to sign in base64."""
    digest = hmac.new(secret.encode(), text, hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")
