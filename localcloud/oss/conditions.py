"""Conditional headers and ranges of reads. Pure.

Owns the status of each failed condition, and the bytes that a ``Range`` selects.
Sources: https://help.aliyun.com/en/oss/developer-reference/getobject and
https://help.aliyun.com/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests (read
2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime

from localcloud.oss.errors import OssError
from localcloud.oss.models import ObjectVersion

_RANGE = re.compile(r"bytes=(\d*)-(\d*)(?:,.*)?")


def http_date(timestamp: float) -> str:
    """Return seconds since the epoch as an HTTP date."""
    return formatdate(int(timestamp), usegmt=True)


def check_conditions(version: ObjectVersion, headers: Mapping[str, str]) -> None:
    """Check a request's conditions against a version.

    Args:
        version: The version to read.
        headers: The request's headers by lower-case name.

    Raises:
        OssError: ``PreconditionFailed`` or ``NotModified``.
    """
    etag = version.etag
    modified = int(version.modified_at)
    if_match = headers.get("if-match")
    if if_match is not None and not _names_etag(if_match, etag):
        raise _failed("If-Match")
    unmodified_since = _date(headers.get("if-unmodified-since"))
    if if_match is None and unmodified_since is not None and modified > unmodified_since:
        raise _failed("If-Unmodified-Since")
    if_none_match = headers.get("if-none-match")
    if if_none_match is not None and _names_etag(if_none_match, etag):
        raise _not_modified(version)
    modified_since = _date(headers.get("if-modified-since"))
    if if_none_match is None and modified_since is not None and modified <= modified_since:
        raise _not_modified(version)


def _names_etag(value: str, etag: str) -> bool:
    names = [name.strip().removeprefix("W/").strip('"').upper() for name in value.split(",")]
    return "*" in names or etag in names


def _date(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).timestamp()
    except ValueError:
        # RFC 9110 section 13.1.3: a recipient ignores a condition whose date is not valid.
        return None


def _failed(condition: str) -> OssError:
    return OssError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold.",
        details={"Condition": condition},
    )


def _not_modified(version: ObjectVersion) -> OssError:
    return OssError(
        "NotModified",
        "Not Modified",
        headers={"etag": f'"{version.etag}"', "last-modified": http_date(version.modified_at)},
    )


def wanted_range(size: int, headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Return the first and last byte that a request selects, or None for the whole object.

    A range that is malformed or exceeds the object is ignored, as OSS does by default. Only the
    first of several ranges counts.
    """
    match = _RANGE.fullmatch(headers.get("range", "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    start = int(first) if first else size - int(last)
    end = int(last) if first and last else size - 1
    return (start, end) if 0 <= start <= end < size else None
