"""Who owns an OSS bucket's name. Reads only.

Names are global to OSS: a bucket of another account answers 403 to every request, an unused name
answers NoSuchBucket. Source: https://www.alibabacloud.com/help/en/oss/developer-reference/
getbucketinfo (read 2026-11-21); oss2 2.19.
"""

from __future__ import annotations

from enum import StrEnum

from .credentials import Credentials
from .errors import AccessDeniedError, NotFoundError
from .oss import OssClient
from .retries import Retries

__all__ = ["BucketOwner", "bucket_owner"]

_ATTEMPTS = 2


class BucketOwner(StrEnum):
    """The owner of a bucket's name."""

    NO_ACCOUNT = "no account"
    US = "us"
    ANOTHER = "another"


def bucket_owner(
    endpoint: str, region_id: str, credentials: Credentials, bucket: str
) -> BucketOwner:
    """Return the owner of the name.

    Raises:
        ClientError: There was no reply, or the credentials are wrong.
    """
    client = OssClient(endpoint, region_id, credentials, retries=Retries(attempts=_ATTEMPTS))
    try:
        client.bucket_info(bucket)
    except NotFoundError:
        return BucketOwner.NO_ACCOUNT
    except AccessDeniedError as error:
        if error.code != "AccessDenied":
            raise
        return BucketOwner.ANOTHER
    return BucketOwner.US
