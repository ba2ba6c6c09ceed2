"""The state that the operations share: the platform, the storage and the permissions.

Does not own the operations, nor HTTP (`localcloud.oss.application`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from localcloud.core.access import AccessControl
from localcloud.core.home import Platform
from localcloud.oss.authorization import Authorization
from localcloud.oss.exchange import Request
from localcloud.oss.models import ObjectSettings
from localcloud.oss.object_headers import settings_from
from localcloud.oss.storage import Storage


class Server:
    """The state that the operations share.

    Args:
        platform: Account, region and endpoint of the stack.
        access: Keys and RAM policies.
        storage: Buckets and objects.
    """

    def __init__(self, platform: Platform, access: AccessControl, storage: Storage) -> None:
        self.platform = platform
        self.storage = storage
        self.authorization = Authorization(access, storage)
        self.endpoint = platform.endpoints["oss"]
        self.endpoint_host = urlsplit(self.endpoint).netloc
        self.owner = {"ID": platform.account_id, "DisplayName": platform.account_id}
        self.access = access

    def settings(self, request: Request) -> ObjectSettings:
        """Return the settings of a write request, with the bucket's defaults.

        Raises:
            OssError: The errors of `settings_from`; ``AccessDenied`` for a public ACL if the bucket
                blocks public access.
        """
        rule = self.storage.buckets.configuration(request.bucket, "encryption")
        settings = settings_from(request.headers, rule)
        self.authorization.refuse_public(request.bucket, settings.acl, "object")
        self.authorization.require_key(
            request.principal, settings.encryption, "kms:GenerateDataKey"
        )
        return settings

    def region_id(self, bucket_name: str) -> str:
        """Return a bucket's region; the stack's own for a bucket that does not exist."""
        return self.storage.buckets.region_id(bucket_name) or self.platform.region_id
