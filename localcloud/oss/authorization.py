"""Authorization by RAM policies, bucket policy, ACLs and public access block.

Owns the order in which they decide. Does not own RAM policies (``localcloud.core.access``).
Order: https://help.aliyun.com/en/oss/user-guide/oss-permission-control-overview (read 2026-11). The
account that owns the buckets may do everything, whatever a bucket policy says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.core.access import AccessControl, Principal
from localcloud.core.policies import Decision
from localcloud.oss.bucket_policy import Asked, BucketPolicy
from localcloud.oss.errors import OssError
from localcloud.oss.storage import Storage

# What a public ACL allows everyone. Listing is not included: oss2 2.19.1, ``AnonymousAuth``.
_PUBLIC_ACTIONS: Mapping[str, frozenset[str]] = {
    "private": frozenset(),
    "public-read": frozenset({"oss:GetObject"}),
    "public-read-write": frozenset({"oss:GetObject", "oss:PutObject", "oss:DeleteObject"}),
}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The caller of an operation.

    Attributes:
        principal: None for an anonymous caller.
        source_ip: The client's address.
    """

    principal: Principal | None
    source_ip: str


class Authorization:
    """Decides about requests to one store.

    Args:
        access: Evaluates RAM policies.
        storage: Has the buckets' policies and ACLs.
    """

    def __init__(self, access: AccessControl, storage: Storage) -> None:
        self._access = access
        self._storage = storage

    def require(
        self,
        caller: Caller,
        action: str,
        bucket: str | None,
        key: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """Raise an error unless the caller may carry out the action.

        Args:
            caller: The caller.
            action: For example ``oss:GetObject``.
            bucket: The bucket; None for the service.
            key: The object.
            parameters: ``prefix`` and ``delimiter`` of a listing.

        Raises:
            OssError: ``AccessDenied``.
        """
        principal = caller.principal
        resource = _resource(bucket, key)
        ram = (
            Decision.NONE if principal is None else self._access.decide(principal, action, resource)
        )
        if principal is not None and principal.role_name is None:
            return
        asked = Asked(
            principal=principal,
            action=action,
            resource=self._access.resource_arn(resource),
            source_ip=caller.source_ip,
            parameters=parameters or {},
        )
        allowed = ram is Decision.ALLOW
        denied = ram is Decision.DENY
        if bucket is not None and self._storage.buckets.find(bucket) is not None:
            blocked = self.is_blocked(bucket)
            policy = self._policy_decision(bucket, asked, blocked)
            denied = denied or policy is Decision.DENY
            allowed = allowed or policy is Decision.ALLOW
            allowed = allowed or (not blocked and self._is_public(action, bucket, key))
        if denied or not allowed:
            raise _denied(caller, action, asked.resource, explicit=denied)

    def require_key(self, caller: Caller, encryption: Mapping[str, str], action: str) -> None:
        """Raise an error unless the caller may use the KMS key of an encrypted object.

        OSS's own keys need no permission. Source: https://www.alibabacloud.com/help/en/oss/
        user-guide/server-side-encryption-8, "Notes" (read 2026-11).

        Args:
            caller: The reader or writer of the object.
            encryption: The ``encryption`` of the object's settings.
            action: ``kms:Decrypt`` to read, ``kms:GenerateDataKey`` to write.

        Raises:
            OssError: ``AccessDenied``.
        """
        key_id, principal = encryption.get("key_id"), caller.principal
        if not key_id or (principal is not None and principal.role_name is None):
            return
        resource = f"acs:kms:*:*:key/{key_id}"
        if principal is None or not self._access.allows(principal, action, resource):
            arn = self._access.resource_arn(resource)
            raise _denied(caller, action, arn, explicit=False)

    def is_blocked(self, bucket: str) -> bool:
        """Return whether the bucket's public access block is on."""
        return bool(self._storage.buckets.configuration(bucket, "publicAccessBlock"))

    def refuse_public(self, bucket: str, what: str) -> None:
        """Raise ``AccessDenied`` when the bucket's public access block is on."""
        if self.is_blocked(bucket):
            raise OssError("AccessDenied", f"Put public {what} is not allowed")

    def _policy_decision(self, bucket: str, asked: Asked, blocked: bool) -> Decision:
        text = self._storage.buckets.configuration(bucket, "policy")
        if text is None:
            return Decision.NONE
        policy = BucketPolicy(text)
        decision = policy.decide(asked)
        if decision is Decision.ALLOW and blocked and policy.is_public:
            return Decision.NONE
        return decision

    def _is_public(self, action: str, bucket: str, key: str | None) -> bool:
        if key is None:
            return False
        found = self._storage.buckets.find(bucket)
        acl = "private" if found is None else found.acl
        version = self._storage.objects.find(bucket, key)
        if version is not None and not version.delete_marker:
            own = version.settings.acl
            acl = acl if own == "default" else own
        return action in _PUBLIC_ACTIONS[acl]


def _resource(bucket: str | None, key: str | None) -> str:
    if bucket is None:
        return "acs:oss:*:*:*"
    return f"acs:oss:*:*:{bucket}" if key is None else f"acs:oss:*:*:{bucket}/{key}"


def _denied(caller: Caller, action: str, resource: str, *, explicit: bool) -> OssError:
    who = "an anonymous caller" if caller.principal is None else caller.principal.arn
    details = {
        "AuthAction": action,
        "AuthResource": resource,
        "NoPermissionType": "ExplicitDeny" if explicit else "ImplicitDeny",
    }
    if caller.principal is None:
        message = "You have no right to access this object because of bucket acl."
    elif explicit:
        message = f"A policy denies {action} on {resource} to {who}."
    else:
        message = f"No policy allows {action} on {resource} to {who}."
    return OssError("AccessDenied", message, details=details)
