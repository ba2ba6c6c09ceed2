"""Callers and their permissions: access keys, role sessions (STS), RAM policy evaluation.

Owns principals, STS sessions, and the credentials URIs of nodes and pods. It does not own roles
and policies: those are resources of ``localcloud.ram``, in the same store.

Errors::

    CloudError
    +-- UnknownAccessKeyError           the access key does not exist, or its session was deleted
    +-- InvalidSecurityTokenError       the security token does not belong to the key
    +-- ExpiredSecurityTokenError       the session has expired
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.core.errors import CloudError
from localcloud.core.home import Platform, load_platform
from localcloud.core.policies import (
    Decision,
    Statement,
    evaluate,
    parse_policy,
    parse_trust_policy,
    trusts,
)
from localcloud.core.store import Store, open_store
from localcloud.core.times import timestamp

ROLES, POLICIES, ATTACHMENTS = "ram.roles", "ram.policies", "ram.attachments"
_SESSIONS, _CREDENTIALS_URIS = "sts.sessions", "sts.credentials_uris"
_MIN_DURATION_SECONDS = 900
_URI_DURATION_SECONDS = 3600
_URI_RENEW_SECONDS = 1200


class UnknownAccessKeyError(CloudError):
    """The access key does not exist."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(
            "InvalidAccessKeyId.NotFound",
            f"Specified access key {access_key_id!r} is not found or invalid.",
            404,
        )


class InvalidSecurityTokenError(CloudError):
    """The security token does not belong to the access key."""

    def __init__(self) -> None:
        super().__init__(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatches with the AccessKey.",
        )


class ExpiredSecurityTokenError(CloudError):
    """The session has expired."""

    def __init__(self) -> None:
        super().__init__("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The caller of an operation.

    Attributes:
        arn: ``acs:ram::<account>:root`` or ``acs:ram::<account>:assumed-role/<role>/<session>``.
        access_key_id: The access key that signs its requests.
        access_key_secret: The key's secret.
        security_token: The token of a role's session; None for the account's own key.
        expires_at: When the session ends, seconds since the epoch; None for the account.
        role_name: The role of a session; None for the account.
        session_policy: Limits what the role allows, for this session; None sets no limit.
    """

    arn: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    role_name: str | None = None
    session_policy: str | None = None

    def credentials_document(self) -> dict[str, str | None]:
        """Return the reply of a credentials URI, in the format of the instance metadata."""
        return {
            "Code": "Success",
            "AccessKeyId": self.access_key_id,
            "AccessKeySecret": self.access_key_secret,
            "SecurityToken": self.security_token,
            "Expiration": self.expiration,
        }

    @property
    def expiration(self) -> str:
        """``expires_at`` as the cloud writes it, such as ``2026-11-21T10:00:00Z``."""
        if self.expires_at is None:
            raise ValueError("the account's own key does not expire")
        return timestamp(self.expires_at)


ANONYMOUS = Principal(
    arn="anonymous", access_key_id="", access_key_secret="", role_name="(anonymous)"
)
"""The caller of an unsigned request. No role has this name, so no policy allows it anything."""


class AccessControl:
    """Principals and permissions of one local stack, for any process that can read its home.

    Args:
        home: The stack's home folder.
        store: The stack's store if the caller has opened it; by default, this opens it.
    """

    def __init__(self, home: Path, store: Store | None = None) -> None:
        self._platform: Platform = load_platform(home)
        self._store = store if store is not None else open_store(home)

    @property
    def store(self) -> Store:
        """The stack's store."""
        return self._store

    @property
    def account(self) -> Principal:
        """The account, with its own key."""
        platform = self._platform
        return Principal(
            arn=f"acs:ram::{platform.account_id}:root",
            access_key_id=platform.access_key_id,
            access_key_secret=platform.access_key_secret,
        )

    def principal(self, access_key_id: str, security_token: str | None) -> Principal:
        """Return the owner of an access key.

        Raises:
            UnknownAccessKeyError: The key does not exist.
            InvalidSecurityTokenError: The token is missing or does not belong to the key.
            ExpiredSecurityTokenError: The key's session has expired.
        """
        if access_key_id == self._platform.access_key_id:
            if security_token:
                raise InvalidSecurityTokenError
            return self.account
        session = self._store.table(_SESSIONS).get(access_key_id)
        if session is None:
            raise UnknownAccessKeyError(access_key_id)
        principal = Principal(access_key_id=access_key_id, **session)
        if not secrets.compare_digest(principal.security_token or "", security_token or ""):
            raise InvalidSecurityTokenError
        if principal.expires_at is None or principal.expires_at <= time.time():
            raise ExpiredSecurityTokenError
        return principal

    def allows(self, principal: Principal, action: str, resource: str) -> bool:
        """Return whether a principal may perform an action on a resource.

        The account's own key may do everything; a role's session may do what the role's policies
        allow.

        Args:
            principal: The caller.
            action: Such as ``oss:GetObject``.
            resource: Such as ``acs:oss:*:*:bucket/key``. A region or account of ``*`` means those
                of this cloud.
        """
        return self.decide(principal, action, resource) is Decision.ALLOW

    def decide(self, principal: Principal, action: str, resource: str) -> Decision:
        """Decide as ``allows`` does, and tell an explicit Deny from a missing Allow."""
        if principal.role_name is None:
            return Decision.ALLOW
        resource = self.resource_arn(resource)
        decision = evaluate(self._role_statements(principal.role_name), action, resource)
        if decision is Decision.ALLOW and principal.session_policy is not None:
            return evaluate(parse_policy(principal.session_policy), action, resource)
        return decision

    def resource_arn(self, resource: str) -> str:
        """Return ``resource`` with this cloud's region and account in place of ``*`` or nothing."""
        parts = resource.split(":", 4)
        if len(parts) < 5:
            return resource
        if parts[2] in ("", "*"):
            parts[2] = self._platform.region_id
        if parts[3] in ("", "*"):
            parts[3] = self._platform.account_id
        return ":".join(parts)

    def require(self, principal: Principal, action: str, resource: str) -> None:
        """Raise ``CloudError`` ``NoPermission`` unless ``allows``."""
        if not self.allows(principal, action, resource):
            raise CloudError(
                "NoPermission",
                f"{principal.arn} is not authorized to perform {action} on "
                f"{self.resource_arn(resource)}; attach a policy that allows it to the role.",
                403,
            )

    def _role_statements(self, role_name: str) -> list[Statement]:
        statements: list[Statement] = []
        policies = self._store.table(POLICIES)
        for attachment in self._store.table(ATTACHMENTS).values():
            if attachment["role_name"] == role_name:
                policy = policies.get(attachment["policy_name"])
                if policy is not None:
                    statements.extend(parse_policy(policy["document"]))
        return statements

    def issue(
        self,
        role_name: str,
        session_name: str,
        duration_seconds: int,
        *,
        service: str | None = None,
        policy: str | None = None,
    ) -> Principal:
        """Create a session of a role.

        Args:
            role_name: The role.
            session_name: The last part of the session's ARN.
            duration_seconds: From 900 to the role's ``max_session_duration``.
            service: The service that assumes the role, such as ``ecs.aliyuncs.com``; the role's
                trust policy must allow it. None means that the caller has checked this.
            policy: Limits what the session may do.

        Raises:
            CloudError: ``EntityNotExist.Role``, ``NoPermission`` (not trusted) or
                ``InvalidParameter.DurationSeconds``.
        """
        role = self.role(role_name)
        if service is not None and not trusts(
            parse_trust_policy(role["trust_policy"]), "Service", service
        ):
            raise CloudError(
                "NoPermission",
                f"The trust policy of role {role_name} does not let {service} assume it; add it "
                "to Principal.Service of assumeRolePolicyDocument.",
                403,
            )
        longest = int(role["max_session_duration"])
        if not _MIN_DURATION_SECONDS <= duration_seconds <= longest:
            raise CloudError(
                "InvalidParameter.DurationSeconds",
                f"DurationSeconds is {duration_seconds}; it must be {_MIN_DURATION_SECONDS} to "
                f"{longest} (the role's maxSessionDuration).",
            )
        if policy is not None:
            parse_policy(policy)
        arn = f"acs:ram::{self._platform.account_id}:assumed-role/{role_name}/{session_name}"
        principal = Principal(
            arn=arn,
            access_key_id="STS.NU" + secrets.token_hex(11),
            access_key_secret=secrets.token_urlsafe(32),
            security_token="CAIS" + secrets.token_urlsafe(96),
            expires_at=float(int(time.time()) + duration_seconds),
            role_name=role_name,
            session_policy=policy,
        )
        self._remember(principal)
        return principal

    def _remember(self, principal: Principal) -> None:
        sessions = self._store.table(_SESSIONS)
        for access_key_id, session in sessions.items():
            if session["expires_at"] < time.time() - 3600:
                sessions.delete(access_key_id)
        document: dict[str, Any] = dict(vars(principal))
        del document["access_key_id"]
        sessions.put(principal.access_key_id, document)

    def role(self, role_name: str) -> Mapping[str, Any]:
        """Return the role's record.

        Raises:
            CloudError: ``EntityNotExist.Role``.
        """
        role = self._store.table(ROLES).get(role_name)
        if role is None:
            raise CloudError("EntityNotExist.Role", f"The role not exists: {role_name}.", 404)
        return role

    def roles(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return every role's name and record."""
        return list(self._store.table(ROLES).items())

    def credentials_uri(self, role_name: str, session: str, *, service: str | None = None) -> str:
        """Return the URL that serves the credentials of a role to a node or pod.

        It goes into ``ALIBABA_CLOUD_CREDENTIALS_URI``; the SDKs read the URL, and read it again
        before the credentials expire. The same role, session and service get the same URL.

        Args:
            role_name: The role whose credentials it serves.
            session: The session name, such as the node's id.
            service: As in ``issue``; checked on each read.

        Raises:
            CloudError: As ``issue``.
        """
        self.issue(role_name, session, _MIN_DURATION_SECONDS, service=service)
        uris = self._store.table(_CREDENTIALS_URIS)
        wanted = {"role_name": role_name, "session": session, "service": service}
        for token, entry in uris.items():
            if {key: entry[key] for key in wanted} == wanted:
                return self._uri(token)
        token = secrets.token_urlsafe(32)
        uris.put(token, wanted | {"access_key_id": None})
        return self._uri(token)

    def _uri(self, token: str) -> str:
        return f"{self._platform.endpoints['api']}/_local/credentials/{token}"

    def credentials_of_uri(self, token: str) -> Principal | None:
        """Return the credentials behind a credentials URL, renewed when due.

        Returns None if the token of the URL is unknown.

        Raises:
            CloudError: As ``issue``, if the role is gone or no longer trusts the service.
        """
        uris = self._store.table(_CREDENTIALS_URIS)
        entry = uris.get(token)
        if entry is None:
            return None
        session = self._store.table(_SESSIONS).get(entry["access_key_id"] or "")
        if session is not None and session["expires_at"] > time.time() + _URI_RENEW_SECONDS:
            self.role(entry["role_name"])
            return Principal(access_key_id=entry["access_key_id"], **session)
        principal = self.issue(
            entry["role_name"], entry["session"], _URI_DURATION_SECONDS, service=entry["service"]
        )
        uris.put(token, entry | {"access_key_id": principal.access_key_id})
        return principal

    def revoke_credentials_uri(self, uri: str) -> None:
        """Stop serving credentials at a URL; an unknown URL is not an error."""
        self._store.table(_CREDENTIALS_URIS).delete(uri.rsplit("/", 1)[-1])

    def revoke_role(self, role_name: str) -> None:
        """End every session of a role, because the role is being deleted."""
        sessions = self._store.table(_SESSIONS)
        for access_key_id, session in sessions.items():
            if session["role_name"] == role_name:
                sessions.delete(access_key_id)
