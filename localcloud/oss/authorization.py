"""Authorization by RAM policies, ACLs and public access block.

Owns the order in which they decide. Does not own RAM policies (``localcloud.core.access``). The
account that owns the buckets may do everything. Order:
https://help.aliyun.com/en/oss/user-guide/oss-permission-control-overview (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.core.access import AccessControl, Principal
from localcloud.core.policies import Decision
from localcloud.oss.errors import OssError
from localcloud.oss.storage import Storage

# What a public ACL allows everyone. Listing is not included: oss2 2.19.1, ``AnonymousAuth``.
_PUBLIC_ACTIONS: Mapping[str, frozenset[str]] = {
    "private": frozenset(),
    "public-read": frozenset({"oss:GetObject"}),
    "public-read-write": frozenset({"oss:GetObject", "oss:PutObject", "oss:DeleteObject"}),
}


class Authorization:
    """Decides about requests to one store.

    Args:
        access: Evaluates RAM policies.
        storage: Has the ACLs.
    """

    def __init__(self, access: AccessControl, storage: Storage) -> None:
        self._access = access
        self._storage = storage

    def require(self, principal: Principal | None, action: str, bucket: str, key: str = "") -> None:
        """Raise an error unless the caller may carry out the action.

        Args:
            principal: The caller; None if anonymous.
            action: For example ``oss:GetObject``.
            bucket: The bucket; empty for the service.
            key: The object.

        Raises:
            OssError: ``AccessDenied``.
        """
        resource = f"acs:oss:*:*:{bucket or '*'}" + (f"/{key}" if key else "")
        decision = Decision.NONE
        if principal is not None:
            decision = self._access.decide(principal, action, resource)
        allowed = decision is Decision.ALLOW
        if decision is Decision.NONE:
            allowed = self._is_public(action, bucket, key)
        if not allowed:
            arn = self._access.resource_arn(resource)
            raise _denied(principal, action, arn, explicit=decision is Decision.DENY)

    def require_key(
        self, principal: Principal | None, encryption: Mapping[str, str], action: str
    ) -> None:
        """Raise an error unless the caller may use the KMS key of an encrypted object.

        OSS's own keys need no permission. Source: https://www.alibabacloud.com/help/en/oss/
        user-guide/server-side-encryption-8, "Notes" (read 2026-11).

        Args:
            principal: The reader or writer of the object; None if anonymous.
            encryption: The ``encryption`` of the object's settings.
            action: ``kms:Decrypt`` to read, ``kms:GenerateDataKey`` to write.

        Raises:
            OssError: ``AccessDenied``.
        """
        key_id = encryption.get("key_id")
        if not key_id:
            return
        resource = f"acs:kms:*:*:key/{key_id}"
        if principal is None or not self._access.allows(principal, action, resource):
            arn = self._access.resource_arn(resource)
            raise _denied(principal, action, arn, explicit=False)

    def is_blocked(self, bucket: str) -> bool:
        """Return whether the bucket's public access block is on."""
        return bool(self._storage.buckets.configuration(bucket, "publicAccessBlock"))

    def refuse_public(self, bucket: str, acl: str, what: str) -> None:
        """Raise ``AccessDenied`` for a public ACL if the bucket's public access block is on."""
        if acl.startswith("public") and self.is_blocked(bucket):
            raise OssError("AccessDenied", f"Put public {what} acl is not allowed")

    def _is_public(self, action: str, bucket: str, key: str) -> bool:
        found = self._storage.buckets.find(bucket)
        if found is None or not key or self.is_blocked(bucket):
            return False
        acl = found.acl
        version = self._storage.objects.find(bucket, key)
        if version is not None and not version.delete_marker and version.settings.acl != "default":
            acl = version.settings.acl
        return action in _PUBLIC_ACTIONS[acl]


def _denied(principal: Principal | None, action: str, resource: str, *, explicit: bool) -> OssError:
    details = {
        "AuthAction": action,
        "AuthResource": resource,
        "NoPermissionType": "ExplicitDeny" if explicit else "ImplicitDeny",
    }
    if principal is None:
        message = "You have no right to access this object because of bucket acl."
    elif explicit:
        message = f"A policy denies {action} on {resource} to {principal.arn}."
    else:
        message = f"No policy allows {action} on {resource} to {principal.arn}."
    return OssError("AccessDenied", message, details=details)
