"""What every operation of OSS works with: the platform, the storage and who may do what.

Owns the state that the operations share. Does not know any operation, and does not speak HTTP
(`localcloud.oss.application`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from localcloud.core.access import AccessControl
from localcloud.core.home import Platform
from localcloud.oss.authorization import Authorization
from localcloud.oss.exchange import Request
from localcloud.oss.models import Bucket, ObjectSettings
from localcloud.oss.object_headers import settings_from
from localcloud.oss.storage import Storage


class Server:
    """The state of the service, and what its operations share.

    Args:
        platform: Whose OSS it is: account, region, endpoint.
        access: Knows keys and RAM policies.
        storage: What is served.
    """

    def __init__(self, platform: Platform, access: AccessControl, storage: Storage) -> None:
        self.platform = platform
        self.storage = storage
        self.authorization = Authorization(access, storage)
        self.endpoint = platform.endpoints["oss"]
        self.endpoint_host = urlsplit(self.endpoint).netloc
        self.owner = {"ID": platform.account_id, "DisplayName": platform.account_id}
        self.access = access

    def settings(self, request: Request, bucket: Bucket) -> ObjectSettings:
        """The settings a writing request gives, with the bucket's defaults.

        Raises:
            OssError: ``InvalidArgument`` and the like; ``AccessDenied`` for a public ACL while the
                bucket blocks public access.
        """
        rule = self.storage.buckets.configuration(bucket.name, "encryption")
        settings = settings_from(request.headers, bucket, rule)
        if settings.acl.startswith("public"):
            self.authorization.refuse_public(bucket.name, "object acl")
        self.authorization.require_key(request.caller, settings.encryption, "kms:GenerateDataKey")
        return settings

    def location(self, bucket_name: str) -> str:
        """Where a bucket lies, as the cloud writes it."""
        return f"oss-{self.storage.buckets.region_id(bucket_name) or self.platform.region_id}"
